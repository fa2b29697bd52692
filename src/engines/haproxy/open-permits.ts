import type { Permit } from '../../gate/index.ts';

/** After this long, a permit that isn't kept any more and has no open call is forgotten: its call has begun long since. */
const settledMs = 15_000;

export interface OpenPermit {
  readonly permit: Permit;
  /** Index of the listener, from 1. */
  readonly listener: number;
  /** Number of its core, for the audit. */
  readonly core: number;
  /** HAProxy may let calls in by it until then, milliseconds since the epoch. */
  readonly untilMs: number;
  /** When a call of it was last seen open. */
  seenMs: number;
}

/**
 * Permits whose calls have to be known while they are open, by number. HAProxy notes the number with each such call. One number is one
 * permit, so that callers, credentials and rules are told apart; numbers are of one run.
 */
export class OpenPermits {
  readonly #byNumber = new Map<number, OpenPermit>();
  #last = 0;

  get size(): number {
    return this.#byNumber.size;
  }

  add(opened: Omit<OpenPermit, 'seenMs'>, nowMs: number): number {
    this.#last += 1;
    this.#byNumber.set(this.#last, { ...opened, seenMs: nowMs });
    return this.#last;
  }

  at(number: number): OpenPermit | undefined {
    return this.#byNumber.get(number);
  }

  /** Forgets what nothing is open of any more. Those that were just seen are not among them. */
  prune(nowMs: number): void {
    for (const [number, { untilMs, seenMs }] of this.#byNumber) {
      if (Math.max(untilMs, seenMs) + settledMs < nowMs) this.#byNumber.delete(number);
    }
  }
}
