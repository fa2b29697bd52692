import type { SpoolReader } from '../audit/types.ts';
import type { Diagnostic } from '../diagnostics/types.ts';
import type { DenialReason, QueueOf } from '../gate/index.ts';
import type { IssuerStatus } from '../gate/types.ts';
import type { AddressesPlan, AddressPlan, EngineName, Plan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';

/** What one engine is: how it takes up a Plan, and how it runs. */
export interface Engine {
  readonly name: EngineName;
  /** What it does natively, keeps, assists or refuses, feature by feature. The conformance suite checks the claim. */
  readonly capabilities: Readonly<Record<Feature, Capability>>;
  /** What of this Plan it can't do, or lacks a binary for. Never a silent omission. */
  check(plan: Plan): Promise<readonly Diagnostic[]>;
  /** The files of this engine for the Plan: pure. The embedded engine has none. */
  realize(plan: Plan): Realization;
  run(context: EngineContext): Promise<RunningEngine>;
  /** Where this engine hands over what it doesn't carry by itself (`Realization.assisted`): a unix socket, the same in each life. */
  assistSocket?(plan: Plan): string;
  /** Carries what another engine hands over. */
  assist?(context: AssistContext): Promise<Assisting>;
}

export type Feature =
  | 'http1'
  | 'h2c'
  | 'tls'
  /** Unary gRPC, its messages walked. */
  | 'grpc'
  /** gRPC calls of all four kinds, their messages passing as they come. */
  | 'grpc-streams'
  /** Open calls end when their access does. */
  | 'stream-policy'
  /** They end with a status that says why. */
  | 'stream-end-status'
  /** An answer that ends before the client has ended its side is not followed by a reset with another code than NO_ERROR. */
  | 'stream-early-end'
  /** What the service resets a stream with reaches the client as the status that gRPC has for it. */
  | 'stream-reset-status'
  /** Messages are counted, each way. */
  | 'message-counts'
  /** Connections of clients are told to go when they have lived for long, and carry their calls to their end. */
  | 'connection-age'
  | 'balance-least-in-flight'
  | 'limit-per-caller'
  | 'limit-per-rule'
  /** What is no HTTP is answered by our problem document, not by a page of the proxy's own. */
  | 'problem-for-no-http'
  /** Refuses what HTTP lets a recipient mend: a folded field, the same Host twice, a length beside chunks. */
  | 'refuses-mendable-http'
  | 'epoch-without-reload'
  | 'structure-without-restart'
  /** New certificates of listeners are taken up, and no connection is lost. */
  | 'certificate-without-restart'
  /** Replicas come and go without a reload: by DNS, by a change of the environment. */
  | 'replicas-without-reload'
  /** A replica that is down gets no call. */
  | 'health'
  /** A replica gets a model's calls only where it has that model's version. */
  | 'readiness-by-model'
  | 'ejection'
  | 'sequence'
  | 'queue'
  /** On connect failures, 502 and 503. */
  | 'retry'
  /** On UNAVAILABLE in trailers. */
  | 'retry-grpc-status'
  | 'deadline'
  | 'grpc-timeout'
  | 'coalesce'
  | 'compress-gzip'
  | 'compress-br'
  | 'compress-zstd'
  | 'compress-requests';

export type Capability = 'native' | 'cached' | 'assisted' | 'refused';

/** Relative file name → content. */
export interface Realization {
  readonly files: Readonly<Record<string, string>>;
  /** What the engine doesn't carry by itself, and has carried by the embedded engine over a local socket. Left out: nothing. */
  readonly assisted?: readonly AssistedRoute[];
}

/** Calls that go the assisted way: the engine still decides (by what the gate answered), limits and records them. */
export interface AssistedRoute {
  readonly service: string;
  /** Left out: all of its models. */
  readonly model?: string;
  /** Why: `repeats`, `sequence`, `queue`, `request compression`. */
  readonly features: readonly Feature[];
}

export interface EngineContext {
  readonly plan: Plan;
  readonly clock: Clock;
  /** Sentences for the operator's log, one a call. */
  readonly log: (line: string) => void;
  /** How much waits on the assisted way. Left out: the engine has no other queues than its own. */
  readonly queueOf?: QueueOf;
  /** Has open calls ended that were handed over, with a status that says why. Left out: none is handed over. */
  readonly endHanded?: EndHanded;
  /**
   * Sockets that listen already, opened by whoever started us, by listener: in place of the Plan's address. All of one listener's
   * are to be accepted on, because the kernel spreads connections over them.
   */
  readonly sockets?: Readonly<Record<string, readonly number[]>>;
}

export interface AssistContext extends EngineContext {
  /** Unix socket on which calls are handed over. Its folder is its owner's alone. */
  readonly socket: string;
}

/**
 * The half of an engine behind the permit, at work for another one: it redeems the pass that a call comes with, and carries the call.
 * Starts anew by itself where it breaks; until then nobody listens.
 */
export interface Assisting {
  readonly socket: string;
  /** How much waits there: for conditions that read it. */
  readonly queueOf: QueueOf;
  /** Takes up a Plan. Passes of the policy before stay good for as long as calls may be on their way. */
  swap(plan: Plan): Promise<void>;
  setReplicas?(replicas: ReplicasByService): Promise<void>;
  /** Ends these calls, as far as they are open there. */
  end(calls: readonly EndedCall[]): Promise<void>;
  status(): Promise<AssistingStatus>;
  /** Ends by itself within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** An open call whose access has ended. */
export interface EndedCall {
  readonly requestId: string;
  readonly reason: DenialReason;
}

export type EndHanded = (calls: readonly EndedCall[]) => Promise<void>;

/** `processes`: none while it has ended and isn't started anew yet. */
export type AssistingStatus = Pick<EngineStatus, 'processes' | 'endpoints' | 'queues' | 'traffic'>;

export interface RunningEngine {
  /** Where each listener really listens (port 0 in the Plan is a free one), by listener name. */
  readonly addresses: Readonly<Record<string, AddressPlan>>;
  /**
   * Takes up a new Plan. Differing only in `access`: a new epoch, no reload, and when it returns no engine process decides
   * by the old one. Differing in structure: reload or new workers, without dropping calls in flight.
   */
  swap(plan: Plan): Promise<void>;
  /** Ends kept decisions of these subject ids (`Identity.id`) everywhere; when it returns, every process has confirmed. */
  revoke(subjectIds: readonly string[]): Promise<void>;
  /** Spreads calls over these replicas from now on, without a reload; calls in flight go on to their end. Services not named stay as they are. */
  setReplicas?(replicas: ReplicasByService): Promise<void>;
  /** Serves new connections with these from now on; those that are open go on with what they have. By listener. */
  setCertificates(certificates: CertificatesByListener): Promise<void>;
  status(): Promise<EngineStatus>;
  /** What the proxy itself measures, in Prometheus text format 0.0.4, names of its own. Rejects where it can't be had now. */
  ownMetrics?(): Promise<string>;
  /**
   * Shuts admission (`open` false): from then on every call is answered `audit-unavailable`, until it is opened again. When it
   * returns, every process has confirmed. Control shuts it while a required record can't be kept; where an engine doesn't
   * offer it, control stops the engine instead.
   */
  admit?(open: boolean): Promise<void>;
  /** Reads this engine's spool lines (files `*.spool` in `<state>/spool`). */
  readonly parseSpool: SpoolReader;
  /** Resolves only if the engine fails beyond repair. */
  readonly failed: Promise<Error>;
  /** Stops accepting, drains, ends by itself within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export type CertificatesByListener = Readonly<Record<string, CertificateText>>;

/** A certificate (with its chain) and its key, both PEM. */
export interface CertificateText {
  readonly certificate: string;
  readonly key: string;
}

export interface EngineStatus {
  readonly processes: readonly { readonly role: string; readonly pid: number; readonly epoch: string }[];
  readonly keptDecisions: number;
  /** Calls of this run that it carried and wrote no line of, where it can tell; the audit holds each finding. */
  readonly unrecordedCalls?: number;
  readonly endpoints: readonly EndpointStatus[];
  readonly issuers: readonly IssuerStatus[];
  /** Times that the gate was asked since the start, because no decision was kept. Left out: the engine doesn't count them. */
  readonly questions?: number;
  /** Queues that there are, now. Left out: none. */
  readonly queues?: readonly QueueStatus[];
  /** Counts since the start, by service. Left out: the engine counts none. */
  readonly traffic?: readonly ServiceTraffic[];
  /** Calls of gRPC services that are open, over all processes. Left out: the Plan has no such service. */
  readonly streams?: OpenStreams;
}

/** Calls that are open still some time after they were let through. */
export interface OpenStreams {
  readonly open: number;
  /** How many of which service; those that have none are left out. */
  readonly byService: Readonly<Record<string, number>>;
  /** Those that have been open for longest, at most `oldestStreamsMax`, the oldest first. */
  readonly oldest: readonly OpenStream[];
}

/** Streams that a status names one by one. */
export const oldestStreamsMax = 100;

export interface OpenStream {
  readonly requestId: string;
  readonly service: string;
  /** `acme.orders.v1.Orders/Watch` */
  readonly method: string;
  /** Subject of the caller; null: nobody known. */
  readonly caller: string | null;
  /** When the call came in, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** So far, from the client and to it. Left out: the engine can't tell while the call is open. */
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly messagesIn?: number;
  readonly messagesOut?: number;
}

export interface EndpointStatus {
  readonly service: string;
  readonly address: string;
  readonly inFlight: number;
  /** Passed over for a while, because it failed. */
  readonly isEjected?: boolean;
}

export interface QueueStatus {
  readonly service: string;
  /** Left out: the queue of the whole service. */
  readonly model?: string;
  readonly inFlight: number;
  readonly waiting: number;
}

/** Since the start of the engine. */
export interface ServiceTraffic {
  readonly service: string;
  /** Further tries that were made, and those that the budget didn't allow. */
  readonly retries: number;
  readonly retriesRefused: number;
  readonly ejections: number;
  /** Calls that were answered with another's answer. */
  readonly coalesced: number;
  readonly queueFull: number;
  readonly queueTimeouts: number;
}

/** What control knows of the replicas: from the Plan, from DNS, from polling them. */
export type ReplicasByService = Readonly<Record<string, readonly ReplicaState[]>>;

export interface ReplicaState extends AddressesPlan {
  /** It gets calls. */
  readonly isUp: boolean;
  /** `finance-prod/3`, or `finance-prod` where the model has no named versions: it doesn't have these, and gets no call for them. */
  readonly lacks: readonly string[];
}
