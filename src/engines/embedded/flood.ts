import { failedCredentialsPerSecondMax } from '../../std/limits.ts';
import { type RateCounter, RateLimiter, rateCounter, rateMemory } from '../../traffic/index.ts';

/** Addresses whose failed credentials are counted apart; beyond, some share a count. */
const floodSlots = 8192;

/** Memory of the counts, to be shared by the threads of one engine. */
export function floodMemory(): SharedArrayBuffer {
  return rateMemory(floodSlots);
}

/**
 * Counts credentials that the gate did not accept, by address, over all workers, so that a flood of them ends before the gate:
 * at most `failedCredentialsPerSecondMax` at once and in each second. Not in the memory of limits: nobody may fill that one up.
 */
export class FloodGuard {
  readonly #failures: RateLimiter;

  /** `memory` of `floodMemory()`. */
  constructor(memory: SharedArrayBuffer) {
    this.#failures = new RateLimiter(memory);
  }

  /** `nowUs` of a clock that all threads share. */
  isFlooding(address: string, nowUs: number): boolean {
    return this.#failures.isSpent(counterOf(address), nowUs);
  }

  failed(address: string, nowUs: number): void {
    this.#failures.take([counterOf(address)], nowUs);
  }
}

const limit = {
  count: failedCredentialsPerSecondMax,
  periodMs: 1000,
  burst: failedCredentialsPerSecondMax,
  per: 'caller',
} as const;

function counterOf(address: string): RateCounter {
  return rateCounter(limit, { rule: '', position: 0, who: address });
}
