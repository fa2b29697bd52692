import { type ReplicaMemory, time, word } from './replica-memory.ts';

/** Failures in a row after which a replica is passed over for a while. */
export const ejectionFailuresMax = 5;
/** For how long at first; twice as long each time it fails again. */
export const ejectionMs = 1000;
export const ejectionMsMax = 30_000;
/** So many of a service's replicas, in parts per whole, may be passed over at once; of one alone, none. */
export const ejectedShareMax = 0.5;

const well = 0;
const ejected = 1;
/** A call was sent to find out. */
const onTrial = 2;

/** Whether a replica may get a call: `well`, `due` for one call that tries it, or `ejected`. */
export type Standing = 'well' | 'due' | 'ejected';

/**
 * Passive ejection, over memory that the threads of an engine share: a replica that failed too often in a row is passed over for a
 * while that grows, then tried by a single call. Times are of a clock that all threads share, in milliseconds.
 */
export class Ejection {
  readonly #memory: ReplicaMemory;

  constructor(memory: ReplicaMemory) {
    this.#memory = memory;
  }

  standing(slot: number, nowMs: () => number): Standing {
    if (this.#memory.get(slot, word.state) === well) return 'well';
    return nowMs() >= this.#memory.timeOf(slot, time.untilMs) ? 'due' : 'ejected';
  }

  isEjected(slot: number): boolean {
    return this.#memory.get(slot, word.state) !== well;
  }

  /** Takes the one trial that is due; false where another call was faster. Should nobody tell how it went, the next is due later. */
  claim(slot: number, nowMs: number): boolean {
    const memory = this.#memory;
    return memory.locked(() => {
      if (memory.get(slot, word.state) === well) return true;
      if (nowMs < memory.timeOf(slot, time.untilMs)) return false;
      this.#eject(slot, nowMs);
      memory.set(slot, word.state, onTrial);
      return true;
    });
  }

  /** There is no better replica: whatever becomes of this call counts as a trial, too. */
  risk(slot: number): void {
    const memory = this.#memory;
    memory.locked(() => {
      if (memory.get(slot, word.state) === ejected) memory.set(slot, word.state, onTrial);
    });
  }

  /** A call went well. True: it is used again. */
  succeeded(slot: number, nowMs: number): boolean {
    const memory = this.#memory;
    if (memory.get(slot, word.failures) !== 0) memory.set(slot, word.failures, 0);
    // An old call's success says nothing of a replica that failed since.
    if (memory.get(slot, word.state) !== onTrial) return false;
    return memory.locked(() => {
      if (memory.get(slot, word.state) !== onTrial) return false;
      memory.set(slot, word.state, well);
      memory.setTime(slot, time.wellSinceMs, nowMs);
      return true;
    });
  }

  /** A call failed. For how long it is passed over, in milliseconds, where that begins now. `all`: the slots of its service. */
  failed(slot: number, all: readonly number[], nowMs: number): number | undefined {
    const memory = this.#memory;
    const failures = memory.add(slot, word.failures, 1);
    const state = memory.get(slot, word.state);
    if (state === ejected || (state === well && failures < ejectionFailuresMax)) return undefined;
    return memory.locked(() => {
      if (memory.get(slot, word.state) === onTrial) {
        memory.set(slot, word.state, ejected);
        return undefined;
      }
      const others = all.filter((each) => each !== slot && this.isEjected(each)).length;
      if (this.isEjected(slot) || others + 1 > all.length * ejectedShareMax) return undefined;
      if (nowMs - memory.timeOf(slot, time.wellSinceMs) > ejectionMsMax) memory.set(slot, word.grown, 0);
      memory.set(slot, word.state, ejected);
      memory.add(slot, word.ejections, 1);
      return this.#eject(slot, nowMs);
    });
  }

  /** It is known from elsewhere to be well. */
  forgive(slot: number): void {
    const memory = this.#memory;
    memory.locked(() => {
      for (const which of [word.state, word.failures, word.grown]) memory.set(slot, which, well);
    });
  }

  /** How often it was passed over, since the slot is its own. */
  ejections(slot: number): number {
    return this.#memory.get(slot, word.ejections);
  }

  #eject(slot: number, nowMs: number): number {
    const grown = this.#memory.add(slot, word.grown, 1);
    const forMs = Math.min(ejectionMs * 2 ** Math.min(grown - 1, 10), ejectionMsMax);
    this.#memory.setTime(slot, time.untilMs, nowMs + forMs);
    return forMs;
  }
}
