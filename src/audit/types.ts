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

/** A record in the chain: one line of NDJSON. `hash` is SHA-256 (hex) over the canonical JSON of the event without `hash`. */
export interface AuditEvent extends AuditRecord {
  readonly format: 1;
  /** Counts from 1 over the life of the chain. */
  readonly position: number;
  /** Hash of the event before it; 64 zeros for the first. */
  readonly previous: string;
  readonly hash: string;
}

/** Reads one line of an engine's spool. A line that can't be read is a finding, not an exception. */
export type SpoolParser = (line: string) => AuditRecord | { readonly unreadable: string };
