/** Services that have a budget of their own; more share. */
export const budgetServicesMax = 256;
/** The window is of so many seconds: the present one and those before it. */
export const budgetWindowSeconds = 10;
/** Further tries in a window that are always allowed, so that a quiet service may retry at all. */
export const retriesPerWindowMin = 5;

/** Seconds that are remembered; one more than the window has, so that the oldest is not cleared while it is read. */
const seconds = budgetWindowSeconds + 1;
/** Of a second: when it was, calls, further tries. */
const words = 3;
/** Of a service: its hash, then its seconds. */
const serviceWords = 1 + seconds * words;
/** Turns that are waited for a thread that clears a second, before it is taken for dead. */
const spinsMax = 10_000;
const million = 1_000_000;

/** Memory of all budgets, to be shared by the threads of one engine. */
export function budgetMemory(services: number = budgetServicesMax): SharedArrayBuffer {
  return new SharedArrayBuffer(services * serviceWords * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * How many further tries a service's calls may have: a share of the calls over the last ten seconds, counted over all threads, so that
 * a service that fails gets little more than it is asked for anyway. Over any window tries ≤ max(minimum, share · calls).
 */
export class RetryBudget {
  readonly #memory: Int32Array;
  readonly #start: number;

  /** `memory` of `budgetMemory()`. */
  constructor(memory: SharedArrayBuffer, service: string) {
    this.#memory = new Int32Array(memory);
    this.#start = startOf(this.#memory, service);
  }

  /** Counts a call. `second`: whole seconds of a clock that all threads share, above 0. */
  call(second: number): void {
    Atomics.add(this.#memory, this.#at(second) + 1, 1);
  }

  /** Takes one further try, where the budget has one. `budgetPpm`: of the calls, in parts per million. */
  take(second: number, budgetPpm: number): boolean {
    if (budgetPpm === 0) return false;
    const at = this.#at(second) + 2;
    // First counted, then looked at: two threads may both be refused the last one, and never both get it.
    Atomics.add(this.#memory, at, 1);
    const [calls, tries] = this.#sums(second);
    if (tries <= Math.max(retriesPerWindowMin, Math.floor((calls * budgetPpm) / million))) return true;
    Atomics.sub(this.#memory, at, 1);
    return false;
  }

  #sums(second: number): [calls: number, tries: number] {
    let [calls, tries] = [0, 0];
    for (let at = this.#start; at < this.#start + seconds * words; at += words) {
      const age = second - Atomics.load(this.#memory, at);
      if (age < 0 || age >= budgetWindowSeconds) continue;
      calls += Atomics.load(this.#memory, at + 1);
      tries += Atomics.load(this.#memory, at + 2);
    }
    return [calls, tries];
  }

  /** Where the counts of a second stand, cleared of those that stood there before. */
  #at(second: number): number {
    const at = this.#start + (second % seconds) * words;
    if (Atomics.load(this.#memory, at) !== second) this.#clear(at, second);
    return at;
  }

  /** One thread clears, and says so by the second's negative; the others wait. */
  #clear(at: number, second: number): void {
    const memory = this.#memory;
    const before = Atomics.load(memory, at);
    if (before !== -second && Atomics.compareExchange(memory, at, before, -second) === before) {
      Atomics.store(memory, at + 1, 0);
      Atomics.store(memory, at + 2, 0);
      Atomics.store(memory, at, second);
      return;
    }
    for (let spin = 0; spin < spinsMax; spin += 1) if (Atomics.load(memory, at) === second) return;
    Atomics.store(memory, at, second);
  }
}

/** Where a service's counts begin: at the first place from its hash on that is its own or free; all taken: shared by hash. */
function startOf(memory: Int32Array, service: string): number {
  const services = memory.length / serviceWords;
  const hash = hashOf(service);
  const first = (hash >>> 0) % services;
  for (let probe = 0; probe < services; probe += 1) {
    const place = ((first + probe) % services) * serviceWords;
    const there = Atomics.compareExchange(memory, place, 0, hash);
    if (there === 0 || there === hash) return place + 1;
  }
  return first * serviceWords + 1;
}

/** FNV-1a over the UTF-16 units; never 0. Names that meet share a budget, which is all that happens. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash | 0 || 1;
}
