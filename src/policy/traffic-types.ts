import type { Span } from '../diagnostics/types.ts';
import type { Located } from './types.ts';

/** How calls of a model are carried: its own keys, or what its family gives `with` it. */
export interface CarriedNode {
  readonly repeats?: RepeatsNode;
  /** Lower-case name of the field that names the sequence. */
  readonly sequence?: Located<string>;
}

/** `repeats: { coalesce: true, share: rule }` */
export interface RepeatsNode {
  readonly span: Span;
  /** Default: caller. */
  readonly share?: Located<'caller' | 'rule'>;
}

/** How calls are carried to a service in an environment: what its binding says beyond endpoints and versions. */
export interface TrafficNode {
  readonly timeouts?: TimeoutsNode;
  readonly health?: HealthNode;
  readonly retries?: RetriesNode;
  readonly queue?: QueuesNode;
  readonly compression?: CompressionNode;
}

/** Milliseconds. */
export interface TimeoutsNode {
  readonly connect?: Located<number>;
  readonly answer?: Located<number>;
  readonly deadline?: Located<number>;
}

export interface HealthNode {
  readonly span: Span;
  /** Milliseconds. */
  readonly every?: Located<number>;
  readonly rise?: Located<number>;
  readonly fall?: Located<number>;
  /** Name that a gRPC service is asked about. */
  readonly service?: Located<string>;
}

export interface RetriesNode {
  readonly span: Span;
  /** 1 where `none` is written. */
  readonly tries?: Located<number>;
  /** Parts per million of the calls. */
  readonly budget?: Located<number>;
}

export interface QueuesNode {
  readonly service?: QueueNode;
  readonly models: readonly { readonly name: Located<string>; readonly queue: QueueNode }[];
}

/** `waiting` and `wait` go together; without them none waits. */
export interface QueueNode {
  readonly span: Span;
  readonly inFlight: Located<number>;
  readonly waiting?: Located<number>;
  /** Milliseconds. */
  readonly wait?: Located<number>;
}

export type CodingWord = 'zstd' | 'br' | 'gzip';

export interface CompressionNode {
  /** The preferred first. */
  readonly answers?: readonly Located<CodingWord>[];
  readonly requests?: Located<CodingWord>;
}
