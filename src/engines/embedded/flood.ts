import { failedCredentialsPerSecondMax } from '../../std/limits.ts';
import { floodAddressesMax } from './limits.ts';

/** Counts credentials that the gate did not accept, by address and second, so that a flood of them ends before the gate. */
export class FloodGuard {
  readonly #most: number;
  readonly #counts = new Map<string, number>();
  #second = 0;

  /** `share`: of the engine's bound, what is this worker's. */
  constructor(share = 1) {
    this.#most = Math.max(1, Math.floor(failedCredentialsPerSecondMax * share));
  }

  isFlooding(address: string, nowMs: number): boolean {
    return this.#at(nowMs) && (this.#counts.get(address) ?? 0) >= this.#most;
  }

  failed(address: string, nowMs: number): void {
    this.#at(nowMs);
    const count = this.#counts.get(address);
    if (count !== undefined || this.#counts.size < floodAddressesMax) this.#counts.set(address, (count ?? 0) + 1);
  }

  #at(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second === this.#second) return this.#counts.size > 0;
    this.#second = second;
    this.#counts.clear();
    return false;
  }
}
