import type { DenialReason } from '../../gate/index.ts';

/** Calls that were ended last, of which it is known: their lines follow soon. */
const endingsMax = 100_000;

/** Why open calls were ended by us. A line may be read more than once. */
export class Endings {
  readonly #reasons = new Map<string, DenialReason>();

  add(requestId: string, reason: DenialReason): void {
    const [oldest] = this.#reasons.keys();
    if (this.#reasons.size >= endingsMax && oldest !== undefined) this.#reasons.delete(oldest);
    this.#reasons.set(requestId, reason);
  }

  /** Undefined: we have not ended it. */
  of(requestId: string): DenialReason | undefined {
    return this.#reasons.size === 0 ? undefined : this.#reasons.get(requestId);
  }
}
