import type { DenialReason } from '../../gate/index.ts';

/** Calls that were ended and whose line wasn't read yet, at most. */
const endingsMax = 100_000;

/** Why open calls were ended by us, until their lines are read. */
export class Endings {
  readonly #reasons = new Map<string, DenialReason>();

  add(requestId: string, reason: DenialReason): void {
    if (this.#reasons.size < endingsMax) this.#reasons.set(requestId, reason);
  }

  /** Of a call that was ended. What nobody knows of any more, because that was in another life, had lost its access. */
  take(requestId: string): DenialReason {
    const reason = this.#reasons.get(requestId) ?? 'access-ended';
    this.#reasons.delete(requestId);
    return reason;
  }
}
