import type { DenialReason, Permit, ProblemOptions } from '../../gate/index.ts';
import type { Ending } from './ending.ts';
import type { Exchange } from './exchange.ts';
import type { Fields } from './fields.ts';

/** Of an exchange, what an answer is written to; and what of the request goes on. */
export type Recipient = Pick<
  Exchange,
  | 'method'
  | 'target'
  | 'authority'
  | 'address'
  | 'rawFields'
  | 'sensitive'
  | 'sensitiveAnswer'
  | 'inform'
  | 'respond'
  | 'begin'
  | 'write'
  | 'onDrain'
  | 'end'
  | 'cut'
>;

/** What the way to a replica knows of a call: a client's own, or one that stands for several which ask the same. */
export interface Carried {
  readonly exchange: Recipient;
  readonly fields: Fields;
  readonly requestId: string;
  /** Its answer, or that there is none, is settled. */
  readonly isEnding: boolean;
  /** When its deadline passes, of `performance.now()`; `Infinity`: it has none. */
  readonly dueMs: number;
  /** Ends it with a refusal, if nothing was answered yet; else breaks the answer off. */
  refuse(reason: DenialReason, options?: ProblemOptions): void;
  /** Ends it; the answer leaves by `ending.release`. The first ending counts. */
  end(ending: Ending): void;
}

/** A permitted call on its way to a replica. */
export interface Underway {
  /** The head of the answer is on its way to the client. */
  readonly hasBegun: boolean;
  readonly bytesOut: number;
  /** The replica that it was sent to last. */
  readonly endpoint: string | undefined;
  /** Replicas that it was tried at, where there was more than one try. */
  readonly tries: number | undefined;
  /** Nobody waits for the answer any more. Also once it is over: whoever has carried it gives back what it took. */
  abandon(): void;
  /** Ends an answer that has begun so that nobody takes it for whole. */
  breakOff(): void;
  /** The service's own deadline has passed, and the replica may be to blame. */
  late(): void;
}

/** A client's call, as what carries it sees it. */
export interface Passenger extends Carried {
  /** Told of what carries it now: it hears by `abandon` that the call has ended, whatever way. */
  underway: Underway | undefined;
  /** How long it waited for its turn. Left undefined where it never waited. */
  queueMs: number | undefined;
  /** Id of the request whose answer it got. */
  leader: string | undefined;
}

/** What is to be carried: a permitted call with its body, and how it is sent. Nothing of deciding. */
export interface Load {
  readonly permit: Permit;
  /** The whole body, null where there is none. Undefined: it isn't held, so that it is never shared. */
  readonly held: Buffer | null | undefined;
  /** Sends it to a replica, as often as that takes. Called at most once for each `call`. */
  dial(call: Carried): Underway;
}
