/** Replicas that an engine can count for, over all services. */
export const replicaSlotsMax = 4096;
/** Whole numbers of a slot, then one for each thread; and two times. */
export const word = { inFlight: 0, state: 1, failures: 2, grown: 3, ejections: 4 } as const;
export const time = { untilMs: 0, wellSinceMs: 1 } as const;
const words = 5;
const times = 2;
/** Turns that the lock is waited for before its holder is taken for dead (a thread that was ended in between). */
const spinsMax = 100_000;

/** Memory of what is known of replicas, to be shared by the threads of one engine. */
export function replicaMemory(threads: number, slots: number = replicaSlotsMax): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(8 + slots * (times * 8 + (words + threads) * 4));
  new Int32Array(memory, 0, 2)[1] = threads;
  return memory;
}

/** Slots of that memory, one a replica of a service: how much is in flight to it, counted over all threads. */
export class ReplicaMemory {
  readonly slots: number;
  /** The lock, and how many threads count. */
  readonly #head: Int32Array;
  readonly #threads: number;
  readonly #times: Float64Array;
  readonly #words: Int32Array;
  readonly #own: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#head = new Int32Array(memory, 0, 2);
    this.#threads = this.#head[1] as number;
    this.slots = (memory.byteLength - 8) / (times * 8 + (words + this.#threads) * 4);
    this.#times = new Float64Array(memory, 8, this.slots * times);
    const wordsAt = 8 + this.slots * times * 8;
    this.#words = new Int32Array(memory, wordsAt, this.slots * words);
    this.#own = new Int32Array(memory, wordsAt + this.slots * words * 4, this.slots * this.#threads);
  }

  get(slot: number, which: number): number {
    return Atomics.load(this.#words, slot * words + which);
  }

  set(slot: number, which: number, value: number): void {
    Atomics.store(this.#words, slot * words + which, value);
  }

  add(slot: number, which: number, value: number): number {
    return Atomics.add(this.#words, slot * words + which, value) + value;
  }

  timeOf(slot: number, which: number): number {
    return this.#times[slot * times + which] as number;
  }

  setTime(slot: number, which: number, valueMs: number): void {
    this.#times[slot * times + which] = valueMs;
  }

  /** A call begins. `thread`: who counts, from 0. */
  begin(slot: number, thread: number): void {
    const own = slot * this.#threads + thread;
    this.#own[own] = (this.#own[own] as number) + 1;
    this.add(slot, word.inFlight, 1);
  }

  end(slot: number, thread: number): void {
    const own = slot * this.#threads + thread;
    this.#own[own] = (this.#own[own] as number) - 1;
    this.add(slot, word.inFlight, -1);
  }

  /** What a thread that is no more had in flight is in flight no more. */
  forget(thread: number): void {
    for (let slot = 0; slot < this.slots; slot += 1) {
      const own = slot * this.#threads + thread;
      const count = this.#own[own] as number;
      if (count === 0) continue;
      this.#own[own] = 0;
      this.add(slot, word.inFlight, -count);
    }
  }

  /** For another replica. INVARIANT: nothing is in flight to it. */
  clear(slot: number): void {
    for (const which of Object.values(word)) this.set(slot, which, 0);
    for (const which of Object.values(time)) this.setTime(slot, which, 0);
  }

  /** One thread at a time. For what is rare. */
  locked<T>(then: () => T): T {
    for (let spin = 0; spin < spinsMax; spin += 1) {
      if (Atomics.compareExchange(this.#head, 0, 0, 1) === 0) break;
    }
    try {
      return then();
    } finally {
      Atomics.store(this.#head, 0, 0);
    }
  }
}
