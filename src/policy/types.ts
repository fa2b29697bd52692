import type { Span } from '../diagnostics/types.ts';
import type { WeeklyWindow } from '../std/weekly-window.ts';
import type { CarriedNode, TrafficNode } from './traffic-types.ts';

/** What the author wrote, read and checked for form, each node with its place. Meaning (names, patterns, CEL) is compile's. */
export interface Policy {
  readonly file: string;
  readonly identity: readonly IdentityNode[];
  readonly groups: readonly GroupNode[];
  readonly services: readonly ServiceNode[];
  readonly rules: readonly RuleNode[];
  /** What stands in the files that it names, once somebody has read them. */
  readonly attached?: AttachedFiles;
}

/** By the path, as it is written. */
export type AttachedFiles = ReadonlyMap<string, AttachedFile>;

/** `fault`: why it can't be read, a clause. */
export type AttachedFile = { readonly bytes: Uint8Array } | { readonly fault: string };

/** A value and the place it was written. */
export interface Located<T> {
  readonly value: T;
  readonly span: Span;
}

export type IdentityNode = OidcNode | ApiKeysNode | RelayNode;

/** `keys: { apiKeys: {} }` */
export interface ApiKeysNode {
  readonly name: Located<string>;
  readonly kind: 'apiKeys';
}

/** `relay: { headgate: { hops: { orders: [orders-service] } } }` */
export interface RelayNode {
  readonly name: Located<string>;
  readonly kind: 'headgate';
  /** Never empty. */
  readonly hops: readonly HopNode[];
  readonly hopsMax?: Located<number>;
}

/** Who may present the assertions that another gateway made for a service. */
export interface HopNode {
  readonly service: Located<string>;
  readonly groups: readonly Located<string>[];
}

/** `staff: { oidc: { audience: headgate, groupsClaim: groups } }` */
export interface OidcNode {
  readonly name: Located<string>;
  readonly kind: 'oidc';
  readonly audience: Located<readonly string[]>;
  /** Claim path, dots between segments: `realm_access.roles`. Default `groups`. */
  readonly groupsClaim: Located<string>;
  /** JWS algorithms allowed. Default RS256, PS256, ES256, EdDSA. Never `none`, never HMAC. */
  readonly algorithms?: Located<readonly string[]>;
  /** Accepted `typ` headers, lower case, without `application/`. Default `jwt`, `at+jwt`, and none at all. */
  readonly types?: Located<readonly string[]>;
}

/** A list is any of, a map is all of, everywhere. */
export interface GroupNode extends OwnedNode {
  readonly name: Located<string>;
  readonly anyOf: readonly CallerNode[];
}

/** Who answers for it, and what they say of it. */
export interface OwnedNode {
  readonly owner?: Located<string>;
  readonly note?: Located<string>;
}

/** All of these identities must match. */
export interface CallerNode {
  readonly span: Span;
  readonly allOf: readonly CallerTerm[];
}

/** `{ staff: any }`, `{ staff: { group: x, client: y } }`: every given key must match; a list in a key is any of. */
export interface CallerTerm {
  readonly identity: Located<string>;
  readonly any: boolean;
  readonly subject?: Located<readonly string[]>;
  readonly group?: Located<readonly string[]>;
  /** Only tokens without a person in them. */
  readonly client?: Located<readonly string[]>;
  /** Names of API keys. */
  readonly keyName?: Located<readonly string[]>;
}

export interface ServiceNode {
  readonly name: Located<string>;
  readonly protocol: Located<'tensorflow-serving' | 'grpc'>;
  /** Path of a descriptor set, as it is written. */
  readonly descriptors?: Located<string>;
  /** Names of methods that may be called again. */
  readonly idempotent?: readonly Located<string>[];
  /** Open calls end with a status on every engine. */
  readonly streamsEnd?: Located<'status' | 'reset'>;
  readonly models: readonly ModelNode[];
  readonly families: readonly FamilyNode[];
}

/** Models that are governed alike. They need not be named under `models` as well. */
export interface FamilyNode extends OwnedNode, CarriedNode {
  readonly name: Located<string>;
  readonly models: readonly ModelNode[];
  /** As `repeats` and `sequence`: of each of its models that doesn't name its own. */
  readonly versions?: readonly Located<string>[];
}

export interface ModelNode extends CarriedNode {
  readonly name: Located<string>;
  /** Names of its versions; never empty. */
  readonly versions?: readonly Located<string>[];
}

/** What has to hold of a call beside its caller, action and resource. Of a list: any of it. */
export interface ConditionsNode {
  /** Names of listeners. */
  readonly via?: readonly Located<string>[];
  /** Ranges of addresses, in the one text of each. */
  readonly from?: readonly Located<string>[];
  readonly during?: readonly Located<WeeklyWindow>[];
  readonly when?: Located<CelText>;
}

export interface RuleNode extends OwnedNode, ConditionsNode {
  readonly span: Span;
  readonly name: Located<string>;
  readonly effect: 'allow' | 'deny';
  /** Names of groups, or `anyone`. */
  readonly callers: Located<readonly Located<string>[] | 'anyone'>;
  readonly to: readonly Located<string>[];
  readonly at: readonly Located<string>[];
  readonly in?: readonly Located<string>[];
  /** Names of versions, or `any`. */
  readonly versions?: readonly Located<string>[];
  readonly unless: readonly UnlessNode[];
  readonly limits: readonly LimitNode[];
  readonly streamsUntil?: Located<'expiry'>;
}

/** CEL as written, with what is needed to place an offset inside it back in the file. */
export interface CelText {
  readonly text: string;
  /** Span of the characters from `start` to `end` (offsets into `text`). */
  readonly spanOf: (start: number, end: number) => Span;
}

/** One exemption of a deny: all of its keys must hold. */
export interface UnlessNode extends ConditionsNode {
  readonly span: Span;
  readonly caller?: readonly Located<string>[];
}

export interface LimitNode {
  readonly span: Span;
  readonly rate: Located<{ readonly count: number; readonly periodMs: number }>;
  /** Default: one period's count, at least 1. */
  readonly burst?: Located<number>;
  readonly per: Located<'caller' | 'rule'>;
}

/** The bindings of one environment. */
export interface Environment {
  readonly file: string;
  readonly name: Located<string>;
  /** Name of this gateway, where several are of one environment. */
  readonly gateway?: Located<string>;
  readonly engine: Located<EngineWord>;
  readonly listeners: readonly ListenerNode[];
  readonly identity: readonly IdentityBindingNode[];
  readonly services: readonly ServiceBindingNode[];
  readonly bounds: { readonly bodyBytesMax: number };
  readonly audit: AuditNode;
  readonly admin: Located<HostPort>;
  readonly telemetry?: TelemetryNode;
  /** Where Headgate keeps its keys and its engines' files. Default `var`. Resolved against the folder of the command. */
  readonly state: Located<string>;
}

/** `telemetry: { otlp: http://127.0.0.1:4318, sample: 10% }` */
export interface TelemetryNode {
  readonly otlp: string;
  /** Parts per million. Default: all. */
  readonly samplePpm: number;
}

export type EngineWord = 'embedded' | 'haproxy' | 'nginx' | 'lighttpd';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface ListenerNode {
  readonly span: Span;
  readonly name: Located<string>;
  readonly address: Located<HostPort>;
  readonly tls?: { readonly certificate: Located<string>; readonly key: Located<string> };
  readonly routes: readonly RouteNode[];
  /** Milliseconds. */
  readonly connectionAge?: { readonly afterMs: Located<number>; readonly graceMs?: Located<number> };
}

export interface RouteNode {
  readonly span: Span;
  readonly host?: Located<string>;
  /** `/prefect/**`: a prefix of whole segments. */
  readonly path?: Located<string>;
  readonly service: Located<string>;
  readonly strip: boolean;
}

export interface IdentityBindingNode {
  readonly name: Located<string>;
  /** Several issuers behind one identity keep their subjects apart. http only on loopback. */
  readonly issuers: readonly Located<string>[];
  /** Of an identity that other gateways prove. */
  readonly gateways: readonly GatewayNode[];
}

export interface GatewayNode {
  readonly issuer: Located<string>;
  /** URL of its key set. */
  readonly keys?: Located<string>;
}

export interface ServiceBindingNode extends TrafficNode {
  readonly name: Located<string>;
  readonly endpoints: readonly EndpointNode[];
  readonly models: readonly BoundModelNode[];
}

/** `finance-prod: { stable: 3, canary: { version: 4, share: 5% } }` */
export interface BoundModelNode {
  readonly name: Located<string>;
  /** Never empty. */
  readonly versions: readonly BoundVersionNode[];
}

export interface BoundVersionNode {
  readonly name: Located<string>;
  readonly number: Located<number>;
  /** Parts per million of the callers. */
  readonly share?: Located<number>;
}

export interface EndpointNode {
  readonly span: Span;
  readonly rest?: Located<HostPort>;
  readonly grpc?: Located<HostPort>;
  /** Written as one address, which is that of the service's protocol. */
  readonly plain?: Located<HostPort>;
  /** Each address of the name is a replica. */
  readonly dns?: true;
}

export interface AuditNode {
  readonly directory: Located<string>;
  readonly record: Located<'required' | 'best-effort'>;
}
