/**
 * The Plan: plain, frozen, canonical JSON. Everything after `compile` reads nothing else.
 * `access` is what decisions are made from, and `epoch` is its hash: a policy change is a new epoch, never a reload.
 * The rest is structure: listeners, upstreams, places on disk.
 */
export interface Plan {
  readonly format: 1;
  readonly environment: string;
  /** Name of this gateway, where several are of one environment. */
  readonly gateway?: string;
  readonly engine: EngineName;
  /** First 16 hexadecimal digits of SHA-256 over the canonical JSON of `access`. */
  readonly epoch: string;
  readonly access: AccessPlan;
  readonly listeners: readonly ListenerPlan[];
  readonly upstreams: readonly UpstreamPlan[];
  readonly bounds: BoundsPlan;
  readonly audit: { readonly directory: string; readonly record: 'required' | 'best-effort' };
  readonly admin: AddressPlan;
  /** Where spans of calls are sent. Left out: nowhere. */
  readonly telemetry?: TelemetryPlan;
  /** Folder of keys and engines' files. */
  readonly state: string;
}

export interface TelemetryPlan {
  /** URL of a collector of OpenTelemetry, without `/v1/traces`: OTLP over HTTP, as JSON. */
  readonly otlp: string;
  /** Of the calls that come without a trace: parts per million. One with a trace is sampled where its flag says so. */
  readonly samplePpm: number;
}

export type EngineName = 'embedded' | 'haproxy';

export interface AddressPlan {
  readonly host: string;
  readonly port: number;
}

export interface AccessPlan {
  readonly environment: string;
  readonly identities: readonly IdentityPlan[];
  /** Other gateways that are believed when they say who a call is made for. Left out: none. */
  readonly relays?: readonly RelayPlan[];
  /** In the policy's order; rules name them by their name. */
  readonly groups: readonly GroupPlan[];
  readonly services: readonly ServicePlan[];
  /** In file order; the rules of other environments are left out. `RulePlan.index` is the position here. */
  readonly rules: readonly RulePlan[];
  /** What any condition reads of a request beyond caller and resource, by service: it joins the key of a kept decision. */
  readonly reads: { readonly [service: string]: ConditionReads };
}

/** How one kind of caller is known. */
export type IdentityPlan = OidcPlan | ApiKeysPlan;

/** Callers with an API key: their subject is the key's name. One of a policy at most. */
export interface ApiKeysPlan {
  readonly name: string;
  readonly kind: 'apiKeys';
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

export interface RelayPlan {
  readonly name: string;
  readonly gateways: readonly GatewayPlan[];
  readonly hops: readonly HopPlan[];
  /** Services between the first caller and the one that is called, at most: 1 to 5. */
  readonly hopsMax: number;
  readonly skewSeconds: number;
}

export interface GatewayPlan {
  /** `iss` of its assertions. No gateway is bound twice. */
  readonly issuer: string;
  /** URL of its key set. Left out: it is this gateway itself. */
  readonly keys?: string;
}

/** Who may present an assertion that was made for a service: whoever is in any of these groups. */
export interface HopPlan {
  /** `aud` of the assertion. */
  readonly audience: string;
  readonly groups: readonly string[];
}

export interface GroupPlan extends OwnedPlan {
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

export type ProtocolName = 'tensorflow-serving' | 'grpc';

export interface ServicePlan {
  readonly name: string;
  readonly protocol: ProtocolName;
  /** A closed world: a model that is not named here is nobody's. Those of families are among them. None where the protocol has none. */
  readonly models: readonly string[];
  /** What is known of methods of a `grpc` service, by `acme.orders.v1.Orders/Get`. Left out: nothing. */
  readonly methods?: { readonly [method: string]: MethodPlan };
  /** Methods are a closed world: what descriptors don't name is refused. Left out: any method may be called that a rule lets be. */
  readonly hasDescriptors?: true;
  /** Left out where there are none. Rules name the models: a pattern of a family was expanded. */
  readonly families?: readonly FamilyPlan[];
  /** Of each model whose versions the policy names; in the policy's order. Left out where there are none. */
  readonly versions?: { readonly [model: string]: readonly VersionPlan[] };
}

/** A method of a gRPC service. */
export interface MethodPlan {
  /** May be sent again after a failure. */
  readonly idempotent?: true;
  /** Who sends a stream of messages in place of one. Left out: it isn't known. */
  readonly streaming?: 'no' | 'client' | 'server' | 'both';
}

/** A named version of a model, in this environment. */
export interface VersionPlan {
  readonly name: string;
  readonly number: number;
  /** Of the callers who ask for none, in parts per million. Exactly one version of a model has none: it gets the rest. */
  readonly sharePpm?: number;
}

/** Models that are governed alike. No model is in two. */
export interface FamilyPlan extends OwnedPlan {
  readonly name: string;
  readonly models: readonly string[];
}

/** Who answers for it, and what they say of it. Nothing is decided by either. */
export interface OwnedPlan {
  readonly owner?: string;
  readonly note?: string;
}

export interface RulePlan extends OwnedPlan, ConditionsPlan {
  readonly index: number;
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly file: string;
  /** 1-based line of the rule in its file. */
  readonly line: number;
  readonly callers: { readonly kind: 'anyone' } | { readonly kind: 'groups'; readonly names: readonly string[] };
  readonly actions: { readonly kind: 'any' } | { readonly kind: 'actions'; readonly names: readonly string[] };
  readonly resources: readonly ResourcePattern[];
  /**
   * Versions that it is about. `any`: also numbers that have no name. Left out, an allow is about every named version, and about
   * calls without one; a deny about everything.
   */
  readonly versions?: 'any' | readonly string[];
  readonly unless: readonly UnlessPlan[];
  readonly limits: readonly LimitPlan[];
  /** `expiry`: streams that it lets in end with the credential. Left out: an open stream outlives it. */
  readonly streamsUntil?: 'expiry';
}

/** `scoring/finance-*`: segments after the service. `*` stays within a segment; a last `**` is any rest of one or more segments. */
export interface ResourcePattern {
  readonly service: string;
  readonly segments: readonly string[];
}

/** What has to hold of a call beside its caller, action and resource: each that is given. Of a list: any of it. */
export interface ConditionsPlan {
  /** Names of listeners by which the call comes in. The listener is always part of what a kept decision is found by. */
  readonly via?: readonly string[];
  /** CIDRs, IPv4 or IPv6, of the peer's address: reads the address. */
  readonly from?: readonly string[];
  /** Windows of the week: reads the clock. */
  readonly during?: readonly WindowPlan[];
  readonly when?: ConditionPlan;
}

/** Over midnight where `toMinute` is not above `fromMinute`: it then belongs to the day on which it opens. */
export interface WindowPlan {
  /** Sunday is 0; ascending. */
  readonly days: readonly (0 | 1 | 2 | 3 | 4 | 5 | 6)[];
  /** Minute of the day, 0 to 1439. */
  readonly fromMinute: number;
  /** Minute of the day that is no longer in it, 1 to 1440. */
  readonly toMinute: number;
  /** A name of the IANA time zone database. */
  readonly zone: string;
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
  /** Reads how much waits or is in flight: kept for a second at most. Left out: it doesn't. */
  readonly queue?: true;
}

/** All of its parts must hold for the exemption. */
export interface UnlessPlan extends ConditionsPlan {
  readonly groups?: readonly string[];
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
  readonly connectionAge?: ConnectionAgePlan;
}

/** How long connections of HTTP/2 serve, in milliseconds: then their clients are told to go, and calls that are open have `graceMs` more. */
export interface ConnectionAgePlan {
  /** A tenth more or less, by lot, so that those that came together don't go together. */
  readonly afterMs: number;
  /** Left out: as long as they take. */
  readonly graceMs?: number;
}

export interface RoutePlan {
  /** Lower case, without a port. */
  readonly host?: string;
  /** Whole-segment prefix without the trailing `/**`: `/prefect`. */
  readonly pathPrefix?: string;
  readonly strip: boolean;
  readonly service: string;
}

/** Bounds that are a setting, equal on every engine. */
export interface BoundsPlan {
  /** Largest request body, of REST and of gRPC (its frame included). */
  readonly bodyBytesMax: number;
}

/**
 * One service: its replicas, and how calls get to them. What is left out is as `trafficOf` says. All of it is structure: none of it is
 * decided from.
 */
export interface UpstreamPlan {
  readonly service: string;
  readonly endpoints: readonly EndpointPlan[];
  readonly timeouts?: TimeoutsPlan;
  /** Left out: replicas aren't polled. One that can't be reached is passed over for a while all the same. */
  readonly health?: HealthPlan;
  readonly retries?: RetriesPlan;
  readonly queue?: QueuesPlan;
  readonly compression?: CompressionPlan;
  /** How open calls of a `grpc` service end when their access does: with a status on every engine. Left out: by a reset where the engine can no better. */
  readonly streams?: { readonly end: 'status' };
  /** Of each model that the policy wants carried in a way of its own. */
  readonly models?: { readonly [model: string]: ModelTrafficPlan };
}

/** Where one replica is reached: over REST, over gRPC, or both. One of them at least; `mainAddress` says by which it is known. */
export interface AddressesPlan {
  readonly rest?: AddressPlan;
  readonly grpc?: AddressPlan;
}

export interface EndpointPlan extends AddressesPlan {
  /** `dns:models.internal:8501`: each address that the name has is a replica, and it is resolved again and again. */
  readonly dns?: true;
}

export interface TimeoutsPlan {
  /** To connect to a replica. Default 2,000. */
  readonly connectMs?: number;
  /** How long a replica may be silent. Default 60,000. */
  readonly answerMs?: number;
  /** Of the whole call, from its arrival to the last byte of the answer, tries and waiting included. Left out: none. */
  readonly deadlineMs?: number;
}

/** Each replica is polled for its models' states, once for the whole gateway. */
export interface HealthPlan {
  readonly everyMs: number;
  /** Good answers in a row until it is up again; bad ones until it is down. */
  readonly rise: number;
  readonly fall: number;
  /** Name that a service of protocol `grpc` is asked about; left out: the server as a whole. */
  readonly service?: string;
}

/** Of calls that the operation table calls safe, while their body is held whole. */
export interface RetriesPlan {
  /** Tries of a call at most, the first among them: 1 to 4. */
  readonly triesMax: number;
  /** Further tries in relation to calls, over the last ten seconds, in parts per million. */
  readonly budgetPpm: number;
}

export interface QueuesPlan {
  readonly service?: QueuePlan;
  /** By model. A call has to pass its model's queue, then its service's. */
  readonly models?: { readonly [model: string]: QueuePlan };
}

/** Calls beyond `inFlightMax` wait, in order of arrival; beyond `waitingMax`, or longer than `waitMs`, they are refused. */
export interface QueuePlan {
  readonly inFlightMax: number;
  readonly waitingMax: number;
  readonly waitMs: number;
}

export type Coding = 'gzip' | 'br' | 'zstd';

export interface CompressionPlan {
  /** Codings of answers, the preferred first; of those the client accepts. Only of answers that aren't coded yet, REST alone. */
  readonly answers?: readonly Coding[];
  /** Of request bodies that aren't coded yet, towards the service; REST alone. */
  readonly requests?: Coding;
}

export interface ModelTrafficPlan {
  /** Calls with the same value of this field (lower case; metadata of a gRPC call) go to the same replica; never retried, never coalesced. */
  readonly sequence?: { readonly header: string };
  /** Identical predictions in flight become one call to the service: of one caller, or of all whom the same rule lets in. */
  readonly repeats?: { readonly share: 'caller' | 'rule' };
}
