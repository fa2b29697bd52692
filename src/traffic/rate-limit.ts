import { createHash } from 'node:crypto';
import type { LimitPlan } from '../plan/types.ts';

/** Counters kept at most, over all rules and callers. 16 bytes each. */
export const rateSlotsMax = 1 << 16;
/** Slots looked at for one counter. Where all are taken, the one that is nearest to being full again is reused. */
const probesMax = 16;

/** One limit for one caller (or for a rule): where its counter is looked for, and its measures. */
export interface RateCounter {
  /** 63 bits of SHA-256 over rule, limit and caller; never 0. */
  readonly key: bigint;
  /** Microseconds that one call costs. */
  readonly costUs: bigint;
  /** Microseconds that may be owed: burst × cost. */
  readonly burstUs: bigint;
}

/** `who`: the caller's id, or empty where the limit is the rule's. */
export function rateCounter(limit: LimitPlan, { rule, position, who }: RateOwner): RateCounter {
  const text = JSON.stringify([rule, position, limit.per === 'rule' ? '' : who]);
  const key = createHash('sha256').update(text).digest().readBigUInt64BE() >> 1n;
  const costUs = BigInt(Math.max(1, Math.round((limit.periodMs * 1000) / limit.count)));
  return { key: key === 0n ? 1n : key, costUs, burstUs: costUs * BigInt(limit.burst) };
}

export interface RateOwner {
  readonly rule: string;
  /** Position of the limit in the rule's list. */
  readonly position: number;
  readonly who: string;
}

/** Memory for all counters, to be shared by all threads of one engine. */
export function rateMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(rateSlotsMax * 16);
}

/**
 * The generic cell rate algorithm (ITU-T I.371) over shared memory: a counter holds the theoretical arrival time of the next
 * call. Over any window T at most rate·T + burst calls are admitted; a caller below the rate is never refused.
 */
export class RateLimiter {
  readonly #cells: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new BigInt64Array(memory);
  }

  /** Takes one call from each counter, or from none. */
  take(counters: readonly RateCounter[], nowMs: number): boolean {
    const nowUs = BigInt(Math.round(nowMs * 1000));
    for (let index = 0; index < counters.length; index += 1) {
      if (this.#takeOne(counters[index] as RateCounter, nowUs)) continue;
      for (const taken of counters.slice(0, index)) this.#giveBack(taken, nowUs);
      return false;
    }
    return true;
  }

  #takeOne(counter: RateCounter, nowUs: bigint): boolean {
    const at = this.#slot(counter.key, nowUs) * 2 + 1;
    for (;;) {
      const arrival = Atomics.load(this.#cells, at);
      const next = (arrival > nowUs ? arrival : nowUs) + counter.costUs;
      if (next - nowUs > counter.burstUs) return false;
      if (Atomics.compareExchange(this.#cells, at, arrival, next) === arrival) return true;
    }
  }

  #giveBack(counter: RateCounter, nowUs: bigint): void {
    Atomics.sub(this.#cells, this.#slot(counter.key, nowUs) * 2 + 1, counter.costUs);
  }

  /** The counter's slot: its own, or a free one, or the one that owes least. */
  #slot(key: bigint, nowUs: bigint): number {
    const mask = rateSlotsMax - 1;
    const start = Number(key & BigInt(mask));
    let least = start;
    let leastArrival: bigint | undefined;
    for (let probe = 0; probe < probesMax; probe += 1) {
      const slot = (start + probe) & mask;
      const holder = Atomics.load(this.#cells, slot * 2);
      if (holder === key) return slot;
      const arrival = holder === 0n ? 0n : Atomics.load(this.#cells, slot * 2 + 1);
      if (leastArrival !== undefined && arrival >= leastArrival) continue;
      [least, leastArrival] = [slot, arrival];
    }
    Atomics.store(this.#cells, least * 2, key);
    Atomics.store(this.#cells, least * 2 + 1, nowUs);
    return least;
  }
}
