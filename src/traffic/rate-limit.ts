import { createHash } from 'node:crypto';
import type { LimitPlan } from '../plan/types.ts';

/** Counters at most, over all rules and callers. 24 bytes each. */
export const rateSlotsMax = 1 << 16;
/** Slots looked at for one counter. */
const probesMax = 16;
/** Turns that are waited for a slot's lock before its holder is taken for dead (a thread that was ended in between). */
const spinsMax = 100_000;

/** One limit of one caller, or of a rule: where its counter stands, and its measures. */
export interface RateCounter {
  /** 64 bits of SHA-256 over rule, limit and caller; never both 0. */
  readonly high: number;
  readonly low: number;
  /** Microseconds that one call costs. */
  readonly costUs: number;
  /** Microseconds that may be owed: burst × cost. */
  readonly burstUs: number;
  /** Where it was found last. */
  slot: number;
}

export interface RateOwner {
  readonly rule: string;
  /** Position of the limit in the rule's list. */
  readonly position: number;
  /** The caller's id or address; not looked at where the limit is the rule's. */
  readonly who: string;
}

export function rateCounter(limit: LimitPlan, { rule, position, who }: RateOwner): RateCounter {
  const text = JSON.stringify([rule, position, limit.count, limit.periodMs, limit.per === 'rule' ? null : who]);
  const digest = createHash('sha256').update(text).digest();
  const costUs = (limit.periodMs * 1000) / limit.count;
  const low = digest.readInt32LE(4) || 1;
  return { high: digest.readInt32LE(0), low, costUs, burstUs: costUs * limit.burst, slot: -1 };
}

/** Memory of all counters, to be shared by the threads of one engine. */
export function rateMemory(slots: number = rateSlotsMax): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * 24);
}

/**
 * The generic cell rate algorithm (ITU-T I.371) over shared memory: a slot holds the theoretical arrival time of its next call.
 * Over any window T at most rate·T + burst calls are admitted, and a caller below the rate is never refused.
 *
 * Bounded: a slot whose debt is paid is anybody's. Where all slots that a new counter may have are in debt, it shares the first of
 * them: then fewer calls are admitted than the limits allow, never more.
 */
export class RateLimiter {
  readonly #arrivals: Float64Array;
  /** Three a slot: lock, high, low. */
  readonly #words: Int32Array;
  readonly #slots: number;

  /** `memory` of `rateMemory()`. */
  constructor(memory: SharedArrayBuffer) {
    this.#slots = memory.byteLength / 24;
    this.#arrivals = new Float64Array(memory, 0, this.#slots);
    this.#words = new Int32Array(memory, this.#slots * 8, this.#slots * 3);
  }

  /** Takes one call from each counter, or from none. `nowUs`: microseconds of a clock that all threads share. */
  take(counters: readonly RateCounter[], nowUs: number): boolean {
    for (let index = 0; index < counters.length; index += 1) {
      if (this.#takeOne(counters[index] as RateCounter, nowUs)) continue;
      for (const taken of counters.slice(0, index)) this.#giveBack(taken);
      return false;
    }
    return true;
  }

  /** Whether one more call would be refused now. Takes nothing. */
  isSpent(counter: RateCounter, nowUs: number): boolean {
    const slot = this.#lockOwn(counter, nowUs);
    const owed = (this.#arrivals[slot] as number) - nowUs + counter.costUs;
    this.#unlock(slot);
    return owed > counter.burstUs + 0.01;
  }

  #takeOne(counter: RateCounter, nowUs: number): boolean {
    const slot = this.#lockOwn(counter, nowUs);
    const owed = Math.max((this.#arrivals[slot] as number) - nowUs, 0) + counter.costUs;
    // A hair more than the burst, for sums of fractions of a microsecond.
    const admitted = owed <= counter.burstUs + 0.01;
    if (admitted) this.#arrivals[slot] = nowUs + owed;
    this.#unlock(slot);
    return admitted;
  }

  /** INVARIANT: right after #takeOne of the same counter, so that its slot is still its own or shared. */
  #giveBack(counter: RateCounter): void {
    this.#lock(counter.slot);
    this.#arrivals[counter.slot] = (this.#arrivals[counter.slot] as number) - counter.costUs;
    this.#unlock(counter.slot);
  }

  /** The counter's slot, locked: where it was last, else wherever it stands now. */
  #lockOwn(counter: RateCounter, nowUs: number): number {
    const { slot } = counter;
    if (slot >= 0) {
      this.#lock(slot);
      if (this.#isOf(slot, counter)) return slot;
      this.#unlock(slot);
    }
    return this.#lockFound(counter, nowUs);
  }

  #lockFound(counter: RateCounter, nowUs: number): number {
    const start = (counter.low >>> 0) % this.#slots;
    const probes = Math.min(probesMax, this.#slots);
    let free = -1;
    for (let probe = 0; probe < probes; probe += 1) {
      const slot = (start + probe) % this.#slots;
      if (this.#isOf(slot, counter)) return this.#lockAs(slot, counter);
      if (free < 0 && (this.#arrivals[slot] as number) <= nowUs) free = slot;
    }
    if (free < 0) return this.#lockAs(start, counter);
    this.#lock(free);
    // Another thread may have taken it in between: then it is shared, which admits less, never more.
    if ((this.#arrivals[free] as number) <= nowUs) {
      Atomics.store(this.#words, free * 3 + 1, counter.high);
      Atomics.store(this.#words, free * 3 + 2, counter.low);
    }
    counter.slot = free;
    return free;
  }

  #lockAs(slot: number, counter: RateCounter): number {
    counter.slot = slot;
    this.#lock(slot);
    return slot;
  }

  #isOf(slot: number, { high, low }: RateCounter): boolean {
    return Atomics.load(this.#words, slot * 3 + 2) === low && Atomics.load(this.#words, slot * 3 + 1) === high;
  }

  #lock(slot: number): void {
    for (let spin = 0; spin < spinsMax; spin += 1) {
      if (Atomics.compareExchange(this.#words, slot * 3, 0, 1) === 0) return;
    }
  }

  #unlock(slot: number): void {
    Atomics.store(this.#words, slot * 3, 0);
  }
}
