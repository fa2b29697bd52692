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
  readonly version: string | null;
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
}

export interface AuditCaller {
  readonly identity: string;
  readonly issuer: string;
  readonly subject: string;
  readonly id: string;
  readonly client: string | null;
}

/** By the engine's ability; absent where it can't tell. Milliseconds with fraction. */
export interface AuditTiming {
  readonly totalMs: number;
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

/** A record as a parser hands it over, with what spares the writer and the metrics from making it again. All may be absent. */
export interface ParsedRecord extends AuditRecord {
  /** JSON of `core` without `status` and `traceId`, keys in the order of AuditCore; the same string object for equal ones. */
  readonly coreText?: string;
  /** JSON of the record's members as the chain holds them, without the first brace, up to where `coreText` goes on in `core`. */
  readonly head?: string;
  /** UTF-8 of `coreText` without its first brace. There if `head` is: the same bytes are copied for many records. */
  readonly coreTail?: Uint8Array;
  /** What metrics read beside `coreText`, where `core` and `timing` are made only when asked for. */
  readonly brief?: { readonly status: number; readonly totalMs: number };
}

/** What every line of the chain has. Keys stand in the order written here, `kind`'s own between `end` and `previous`. */
interface ChainFields {
  readonly format: 1;
  /** Counts from 1 over the life of the chain. */
  readonly position: number;
  /** Name of the spool file it was read from, and the byte offset just after its line there. */
  readonly spool: string;
  readonly end: number;
  /** Hash of the event before it; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 (hex) over the line's own bytes with `,"hash":"…"` left out: no canonicaliser stands between file and proof. */
  readonly hash: string;
}

/** A record in the chain: one line of NDJSON. */
export interface AuditEvent extends AuditRecord, ChainFields {
  readonly kind: 'call';
}

/** A spool line that its engine's parser could not read, kept in the chain so that nothing goes missing in silence. */
export interface UnreadableEvent extends ChainFields {
  readonly kind: 'unreadable';
  /** When it was chained, milliseconds since the epoch. */
  readonly timeMs: number;
  /** What the parser said. */
  readonly fault: string;
  /** The line, at most 1,024 characters, then `…`. */
  readonly text: string;
  /** Its whole length. */
  readonly bytes: number;
}

export type ChainEvent = AuditEvent | UnreadableEvent;

/** Reads one line of an engine's spool. A line that can't be read is a finding, not an exception. */
export type SpoolParser = (line: string) => ParsedRecord | { readonly unreadable: string };

/** How the audit writer is. */
export interface AuditStatus {
  readonly state: 'ok' | 'failing';
  /** Why it fails. */
  readonly reason?: string;
  /** Events in the chain, over its whole life. */
  readonly position: number;
  /** Spool lines that could not be read, in this run. */
  readonly unreadable: number;
  /** Spool bytes that are not chained yet. */
  readonly behindBytes: number;
  /** Time between the end of the last chained call and its chaining. */
  readonly lagMs: number;
}
