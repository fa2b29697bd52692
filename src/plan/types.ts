/**
 * The Plan: plain, frozen, canonical JSON. Everything after `compile` reads nothing else.
 * `access` is what decisions are made from, and `epoch` is its hash: a policy change is a new epoch, never a reload.
 * The rest is structure: listeners, upstreams, places on disk.
 */
export interface Plan {
  readonly format: 1;
  readonly environment: string;
  readonly engine: EngineName;
  /** First 16 hexadecimal digits of SHA-256 over the canonical JSON of `access`. */
  readonly epoch: string;
  readonly access: AccessPlan;
  readonly listeners: readonly ListenerPlan[];
  readonly upstreams: readonly UpstreamPlan[];
  readonly audit: { readonly directory: string; readonly record: 'required' | 'best-effort' };
  readonly admin: AddressPlan;
  /** Folder of keys and engines' files. */
  readonly state: string;
}

export type EngineName = 'embedded' | 'haproxy';

export interface AddressPlan {
  readonly host: string;
  readonly port: number;
}

export interface AccessPlan {
  readonly environment: string;
  readonly identities: readonly OidcPlan[];
  /** In the policy's order; rules name them by their name. */
  readonly groups: readonly GroupPlan[];
  readonly services: readonly ServicePlan[];
  /** In file order; the rules of other environments are left out. `RulePlan.index` is the position here. */
  readonly rules: readonly RulePlan[];
  /** What any condition reads of a request beyond caller and resource, by service: it joins the key of a kept decision. */
  readonly reads: { readonly [service: string]: ConditionReads };
}

export interface OidcPlan {
  readonly name: string;
  readonly kind: 'oidc';
  readonly issuers: readonly string[];
  readonly audience: readonly string[];
  /** Segments of the claim path. */
  readonly groupsClaim: readonly string[];
  readonly algorithms: readonly string[];
  readonly types: readonly string[];
  readonly skewSeconds: number;
}

export interface GroupPlan {
  readonly name: string;
  /** Any of these; each: all of its terms. */
  readonly anyOf: readonly { readonly allOf: readonly CallerTermPlan[] }[];
}

/** Every given key must match; within a key any of its values. With none given: anyone known through that identity. */
export interface CallerTermPlan {
  readonly identity: string;
  readonly subject?: readonly string[];
  readonly group?: readonly string[];
  readonly client?: readonly string[];
}

export interface ServicePlan {
  readonly name: string;
  readonly protocol: 'tensorflow-serving';
  /** A closed world: a model that is not named here is nobody's. */
  readonly models: readonly string[];
}

export interface RulePlan {
  readonly index: number;
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly file: string;
  /** 1-based line of the rule in its file. */
  readonly line: number;
  readonly callers: { readonly kind: 'anyone' } | { readonly kind: 'groups'; readonly names: readonly string[] };
  readonly actions: { readonly kind: 'any' } | { readonly kind: 'actions'; readonly names: readonly string[] };
  readonly resources: readonly ResourcePattern[];
  readonly when?: ConditionPlan;
  readonly unless: readonly UnlessPlan[];
  readonly limits: readonly LimitPlan[];
}

/** `scoring/finance-*`: segments after the service. `*` stays within a segment; a last `**` is any rest of one or more segments. */
export interface ResourcePattern {
  readonly service: string;
  readonly segments: readonly string[];
}

export interface ConditionPlan {
  readonly cel: string;
  readonly reads: ConditionReads;
}

export interface ConditionReads {
  /** Lower-case header names, sorted. */
  readonly headers: readonly string[];
  readonly address: boolean;
  /** Reads the clock: kept for a second at most. */
  readonly time: boolean;
}

/** All of its parts must hold for the exemption. */
export interface UnlessPlan {
  readonly groups?: readonly string[];
  readonly when?: ConditionPlan;
}

/** Over any window T at most rate·T + burst calls are admitted. */
export interface LimitPlan {
  readonly count: number;
  readonly periodMs: number;
  readonly burst: number;
  readonly per: 'caller' | 'rule';
}

export interface ListenerPlan {
  readonly name: string;
  readonly address: AddressPlan;
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Tried in order; the first that matches. Never empty. */
  readonly routes: readonly RoutePlan[];
}

export interface RoutePlan {
  /** Lower case, without a port. */
  readonly host?: string;
  /** Whole-segment prefix without the trailing `/**`: `/prefect`. */
  readonly pathPrefix?: string;
  readonly strip: boolean;
  readonly service: string;
}

export interface UpstreamPlan {
  readonly service: string;
  readonly endpoints: readonly { readonly rest: AddressPlan; readonly grpc?: AddressPlan }[];
}
