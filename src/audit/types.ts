import type { DenialReason } from '../gate/denials.ts';

/** What is equal on every engine for the same call. */
export interface AuditCore {
  readonly environment: string;
  readonly listener: string;
  readonly method: string;
  /** Without the query: queries can carry secrets. At most 512 characters, then `…`. */
  readonly path: string;
  readonly service: string | null;
  readonly operation: string | null;
  readonly action: string | null;
  /** `scoring/finance-prod` */
  readonly resource: string | null;
  readonly model: string | null;
  /** Number of the version that ran. */
  readonly version: string | null;
  /** The policy's name of it; null where the number is bound to none. */
  readonly versionName: string | null;
  /** null: nobody known. */
  readonly caller: AuditCaller | null;
  readonly outcome: 'allow' | 'deny';
  readonly reason: DenialReason | 'rule-allows';
  /** Name of the deciding rule. */
  readonly rule: string | null;
  /** `headgate.yaml:31` */
  readonly ruleAt: string | null;
  readonly epoch: string;
  /** grpc-status of our own refusal of a gRPC call, else null: what the service answered is known to some engines only. */
  readonly grpcStatus: number | null;
  /** HTTP status that the client got; 0 where it left before. */
  readonly status: number;
  /** From a valid `traceparent` (W3C), else null. */
  readonly traceId: string | null;
  /** Of the same `traceparent`: the caller's span and the flags, `00f067aa0ba902b7-01`. Left out where there is no trace id. */
  readonly span?: string;
}

export interface AuditCaller {
  readonly identity: string;
  readonly issuer: string;
  readonly subject: string;
  readonly id: string;
  readonly client: string | null;
  /** Where the call is made for another: that one, then each service that has called on before the caller. */
  readonly chain?: readonly AuditParty[];
}

export interface AuditParty {
  readonly issuer: string;
  readonly subject: string;
  /** Of a service that has called on: its name behind its gateway. */
  readonly service?: string;
}

/** By the engine's ability; absent where it can't tell. Milliseconds with fraction. */
export interface AuditTiming {
  readonly totalMs: number;
  /** How long the gate took, where it was asked; told where spans are exported. */
  readonly gateMs?: number;
  readonly connectMs?: number;
  /** From the request sent to the first byte of the answer. */
  readonly upstreamMs?: number;
  /** Bytes of the request and response as the engine counts them. */
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  /** `127.0.0.1:8501` */
  readonly endpoint?: string;
  /** grpc-status that the service answered. */
  readonly grpcStatus?: number;
  /** How long it waited for its turn. */
  readonly queueMs?: number;
  /** Replicas that it was sent to, where there was more than one. */
  readonly tries?: number;
  /** Id of the request whose answer it got: identical predictions in flight are one call to the service. */
  readonly leader?: string;
  /** gRPC messages from the client and to it. */
  readonly messagesIn?: number;
  readonly messagesOut?: number;
  /** From the call's arrival to the first message of the answer. */
  readonly firstMs?: number;
}

/** One call, as an engine's spool holds it once it is parsed. */
export interface AuditRecord {
  readonly requestId: string;
  /** End of the call, milliseconds since the epoch. */
  readonly timeMs: number;
  /** Names one life of one engine process or worker: never used again. */
  readonly worker: string;
  /** Counts from 1 within a worker, without gaps: a gap is a lost record. */
  readonly sequence: number;
  readonly engine: string;
  readonly address: string;
  readonly core: AuditCore;
  readonly timing: AuditTiming;
}

/** What of a core is known when the decision is: equal for every call that the kept decision answers. */
export type StaticCore = Omit<AuditCore, 'status' | 'traceId' | 'span'>;

/** A static core that is held for the calls to come. `heldCore()` makes one. */
export interface HeldCore {
  readonly core: StaticCore;
  /** UTF-8 of how its events end: its JSON without the first brace, the event's brace, a newline. Copied for each of them. */
  readonly tail: Uint8Array;
  /** What the metrics have worked out for it, so that its next call needs no look-up. Theirs alone. */
  folded: object | undefined;
}

/** A record as a parser hands it over. */
export interface ParsedRecord extends AuditRecord {
  /** Where the parser holds the static part of `core`. */
  readonly held?: HeldCore;
}

/** A call in the chain: one line of NDJSON, its keys in the order of AuditRecord with `core` last. */
export interface AuditEvent extends AuditRecord {
  readonly kind: 'call';
  /** Counts from 1 over the life of the chain. Not in the line: the block's seal says where it begins. */
  readonly position: number;
}

/** A spool line that its engine's parser could not read, kept in the chain so that nothing goes missing in silence. */
export interface UnreadableEvent {
  readonly kind: 'unreadable';
  readonly position: number;
  /** When it was chained, milliseconds since the epoch. */
  readonly timeMs: number;
  /** Name of the spool file it was read from. */
  readonly spool: string;
  /** What the parser said. */
  readonly fault: string;
  /** The line, at most 1,024 characters, then `…`. */
  readonly text: string;
  /** Its whole length. */
  readonly bytes: number;
}

/** Calls that an engine has carried and wrote no line of, by its proxy's own count. */
export interface UnrecordedCalls {
  /** When it was found. All times in milliseconds since the epoch. */
  readonly timeMs: number;
  readonly engine: string;
  /** Names one life of one process. */
  readonly worker: string;
  /** Names of the listeners that they can have come in by: mostly one. */
  readonly listeners: readonly string[];
  /** null: it can't be known. */
  readonly calls: number | null;
  /** A replica closed without an answer; the process was ended with calls under way; it went down by itself. */
  readonly cause: 'no-answer' | 'cut' | 'killed';
  /** They ended after this time and not after the next. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Calls that left no line, in the chain in their place. */
export interface UnrecordedEvent extends UnrecordedCalls {
  readonly kind: 'unrecorded';
  readonly position: number;
  /** Name of the spool file it was read from. */
  readonly spool: string;
}

/** What was done with an API key, and by whom. Times in milliseconds since the epoch. */
export interface KeyAct {
  readonly timeMs: number;
  /** Its number in the store of keys, by which one that was written down twice, over a crash, is known. */
  readonly change: number;
  readonly act: 'created' | 'rotated' | 'revoked';
  readonly keyId: string;
  readonly name: string;
  readonly owner: string;
  /** The operating system's user. */
  readonly by: string;
  /** When the key ends; of a rotation when the one before it does. */
  readonly endsMs: number;
}

/** The same in the chain. */
export interface KeyEvent extends KeyAct {
  readonly kind: 'key';
  readonly position: number;
  /** Name of the spool file it was read from. */
  readonly spool: string;
}

export type ChainEvent = AuditEvent | OpenedEvent | UnreadableEvent | UnrecordedEvent | KeyEvent;

/** A call that is open still some time after it was let through; its `call` event at the end closes it. */
export interface OpenedCall {
  readonly requestId: string;
  /** When it came in, milliseconds since the epoch. */
  readonly timeMs: number;
  /** As in the event that closes it. */
  readonly worker: string;
  readonly engine: string;
  readonly address: string;
  readonly core: OpenedCore;
}

/** What its closing event says of it, too, unless it failed or was ended. */
export type OpenedCore = Omit<AuditCore, 'status'>;

/** The same in the chain. */
export interface OpenedEvent extends OpenedCall {
  readonly kind: 'opened';
  readonly position: number;
}

/** What is no ended call, before the chain has given it its place. */
export type OtherEvent =
  | Omit<OpenedEvent, 'position'>
  | Omit<UnreadableEvent, 'position'>
  | Omit<UnrecordedEvent, 'position'>
  | Omit<KeyEvent, 'position'>;

/** What closes a block of event lines: a line of its own, `{"seal":{…},"hash":"…"}`, written together with them. */
export interface Seal {
  readonly format: 2;
  /** Positions of the block's first and last event. */
  readonly first: number;
  readonly last: number;
  /** Hash of the block before it; 64 zeros for the first. */
  readonly previous: string;
  /** Name of the spool file that the block was read from, and which of its bytes: from `from` to before `end`. */
  readonly spool: string;
  readonly from: number;
  readonly end: number;
  /** When it was sealed, milliseconds since the epoch. */
  readonly timeMs: number;
}

/** Reads one line of an engine's spool. A line that can't be read is a finding, not an exception. */
export interface SpoolParser {
  (line: string): ParsedRecord | { readonly unreadable: string };
  /** Absent: every line is read as text. */
  readonly plain?: PlainReader;
}

/**
 * Reads spool lines of the form that nearly all have, byte by byte, and writes their events into given memory: no text, no object a
 * call. What it says of a line holds until the next. INVARIANT: what it writes is the line that the text's parser leads to (but for
 * zeros at the end of a fraction).
 */
export interface PlainReader {
  /**
   * Reads the line that begins at `from` in `lines` (which end in a newline) and writes its event, newline and all, from `at` on
   * in `out`. Returns where the event ends there; 0: the line is not plain, or there is no room. `out` is scratch behind `at`.
   */
  read(lines: Buffer, from: number, out: Buffer, at: number): number;
  /** Where the next line begins. */
  readonly next: number;
  readonly timeMs: number;
  readonly status: number;
  readonly totalMs: number;
  /** -1: not known; so of those behind it. */
  readonly upstreamMs: number;
  readonly queueMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly grpcStatus: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly firstMs: number;
  readonly core: HeldCore;
}

/** The calls of one block, once it is in the chain. Good only while they are told of: the memory is used again. */
export interface ChainedCalls {
  readonly count: number;
  /** By call, from 0 to before `count`. */
  readonly statuses: ArrayLike<number>;
  readonly totalsMs: ArrayLike<number>;
  /** -1: not known; so of those behind it. */
  readonly upstreamsMs: ArrayLike<number>;
  readonly queuesMs: ArrayLike<number>;
  readonly bytesIn: ArrayLike<number>;
  readonly bytesOut: ArrayLike<number>;
  /** That the service answered. */
  readonly grpcStatuses: ArrayLike<number>;
  readonly messagesIn: ArrayLike<number>;
  readonly messagesOut: ArrayLike<number>;
  readonly firstsMs: ArrayLike<number>;
  readonly cores: ArrayLike<HeldCore>;
  /** The line of one in the chain, without its newline. */
  line(call: number): Buffer;
  /** The whole of one, read from that line. */
  record(call: number): AuditRecord;
}

/** The same for a spool that also holds what is no ended call: calls that are open, word of such as left no line, acts on API keys. */
export interface SpoolReader {
  (
    line: string,
  ):
    | ReturnType<SpoolParser>
    | { readonly opened: OpenedCall }
    | { readonly unrecorded: UnrecordedCalls }
    | { readonly key: KeyAct };
  readonly plain?: PlainReader;
}

/** How the audit writer is. */
export interface AuditStatus {
  readonly state: 'ok' | 'failing';
  /** Why it fails. */
  readonly reason?: string;
  /** Events in the chain, over its whole life. */
  readonly position: number;
  /** Spool lines that could not be read, in this run. */
  readonly unreadable: number;
  /** Calls that were told of as open in this run, and of whose end no record has come: open still, or their process went down. */
  readonly unclosed: number;
  /** Spool bytes that are not chained yet. */
  readonly behindBytes: number;
  /** Time between the end of the last chained call and its chaining. */
  readonly lagMs: number;
}
