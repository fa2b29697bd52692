import type { DenialReason } from '../../gate/index.ts';

/** Calls that were ended and whose line wasn't read yet, at most. */
const endingsMax = 100_000;

/** Why open calls were ended by us, until their lines are read. */
export class Endings {
  readonly #reasons = new Map<string, DenialReason>();

  add(requestId: string, reason: DenialReason): void {
    const [oldest] = this.#reasons.keys();
    if (this.#reasons.size >= endingsMax && oldest !== undefined) this.#reasons.delete(oldest);
    this.#reasons.set(requestId, reason);
  }

  /** Undefined: we have not ended it. */
  take(requestId: string): DenialReason | undefined {
    if (this.#reasons.size === 0) return undefined;
    const reason = this.#reasons.get(requestId);
    this.#reasons.delete(requestId);
    return reason;
  }
}
