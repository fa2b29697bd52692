import { lock, seize, unlock } from './shared-lock.ts';

/** Queues of one engine at most, over services and models. 100 bytes each. */
export const queuesMax = 4096;
/** Threads that share the memory at most. */
export const queueOwnersMax = 8;
/** Calls that wait on one thread at most, over all queues; one more is refused as if its queue were full: what a queue may be told to hold. */
export const waitersMax = 100_000;
/** Who locks for the thread that watches over the others. */
const watcher = 254;

/** What `enter` says beside the number of a waiter. */
export const passed = -1;
export const full = -2;

const queueWords = 8 + queueOwnersMax;
/** Words of a queue: its lock, first and last waiter (a waiter's number + 1; 0: none), and counts. The rest: held, by owner. */
const firstWord = 1;
const lastWord = 2;
/** Calls that hold a place, and those that were granted one and don't know yet. */
const inFlightWord = 3;
const waitingWord = 4;
const maxWord = 5;
const ticketWord = 6;
const heldWord = 8;

const waiterWords = 5;
/** Words of a waiter. */
const nextWord = 0;
const previousWord = 1;
const stateWord = 2;
const queueWord = 3;
const orderWord = 4;

const free = 0;
const waiting = 1;
const granted = 2;

const queuesAt = 2 * queueOwnersMax;
const waitersAt = queuesAt + queuesMax * queueWords;
const words = waitersAt + queueOwnersMax * waitersMax * waiterWords;

/** Memory of all queues, to be shared by the threads of one engine. The pages that nothing stands in are never touched. */
export function queueMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(words * 4);
}

export interface QueueCounts {
  readonly inFlight: number;
  readonly waiting: number;
}

/**
 * Bounded queues over threads, first come first served: places that are held, and waiters in a list, in shared memory. Whoever frees a
 * place hands it to the first waiter, on whatever thread it waits, and rings that thread's bell.
 *
 * Each thread has waiters and a count of held places of its own, so that all of it can be taken back from a thread that has died, even
 * within a change: `forget` builds a list anew from what its waiters say.
 */
export class SharedQueues {
  readonly #words: Int32Array;
  readonly #owner: number;
  /** Waiters that were used before and are free again. */
  readonly #free: number[] = [];
  #used = 0;
  /** The bell as it stood when waiters were looked at last. */
  #heard: number;

  /** `memory` of `queueMemory()`; `owner`: this thread's number, 0 to before `queueOwnersMax`. */
  constructor(memory: SharedArrayBuffer, owner: number = watcher) {
    this.#words = new Int32Array(memory);
    this.#owner = owner;
    this.#heard = owner === watcher ? 0 : Atomics.load(this.#words, owner);
  }

  /** Says how many may hold a place; where it is more than before, who waits may go on. Starts at 0. */
  allow(queue: number, inFlightMax: number): void {
    const at = this.#lock(queue);
    this.#words[at + maxWord] = inFlightMax;
    this.#unlock(at, this.#grant(at));
  }

  /** `passed`: holds a place. `full`: can't wait. Else the number of the waiter, until `collect` or `leave`. */
  enter(queue: number, waitingMax: number): number {
    const at = this.#lock(queue);
    const shared = this.#words;
    const count = shared[at + waitingWord] as number;
    if (count === 0 && (shared[at + inFlightWord] as number) < (shared[at + maxWord] as number)) {
      this.#add(at + inFlightWord, 1);
      this.#add(at + heldWord + this.#owner, 1);
      this.#unlock(at, 0);
      return passed;
    }
    const waiter = count < waitingMax ? this.#freeWaiter() : undefined;
    if (waiter !== undefined) this.#append(queue, waiter);
    this.#unlock(at, 0);
    return waiter ?? full;
  }

  /** Whether `enter` would say `full` now. */
  isFull(queue: number, waitingMax: number): boolean {
    const { inFlight, waiting: count } = this.counts(queue);
    const at = queuesAt + queue * queueWords;
    return count >= waitingMax && (count > 0 || inFlight >= Atomics.load(this.#words, at + maxWord));
  }

  isGranted(waiter: number): boolean {
    return Atomics.load(this.#words, waiterAt(waiter) + stateWord) === granted;
  }

  /** Takes the place that was granted; the waiter is over. */
  collect(queue: number, waiter: number): void {
    const at = this.#lock(queue);
    this.#add(at + heldWord + this.#owner, 1);
    this.#setFree(waiter);
    this.#unlock(at, 0);
  }

  /** Waits no longer. A place that was granted meanwhile goes to the next. True: it was this thread that got it. */
  leave(queue: number, waiter: number): boolean {
    const at = this.#lock(queue);
    let rung = 0;
    if (this.#words[waiterAt(waiter) + stateWord] === granted) {
      this.#add(at + inFlightWord, -1);
      rung = this.#grant(at);
    } else this.#unlink(at, waiter);
    this.#setFree(waiter);
    return this.#unlock(at, rung);
  }

  /** Gives a place back; the first waiter gets it. True: it is one of this thread's. */
  release(queue: number): boolean {
    const at = this.#lock(queue);
    this.#add(at + heldWord + this.#owner, -1);
    this.#add(at + inFlightWord, -1);
    return this.#unlock(at, this.#grant(at));
  }

  counts(queue: number): QueueCounts {
    const at = queuesAt + queue * queueWords;
    return {
      inFlight: Atomics.load(this.#words, at + inFlightWord),
      waiting: Atomics.load(this.#words, at + waitingWord),
    };
  }

  /** To be said before waiters are looked at: what rings from now on is heard by `rung`. */
  listen(): void {
    this.#heard = Atomics.load(this.#words, this.#owner);
  }

  /** Resolves when a place was granted on this thread since `listen`. */
  async rung(): Promise<void> {
    await Atomics.waitAsync(this.#words, this.#owner, this.#heard).value;
  }

  /** Takes back all that a thread held and whatever waited there. By the thread that watches, once that thread has ended. */
  forget(owner: number): void {
    for (let queue = 0; queue < queuesMax; queue += 1) {
      const at = queuesAt + queue * queueWords;
      if (this.#isUnused(at)) continue;
      seize(this.#words, at, { from: owner, owner: this.#owner });
      this.#rebuild(queue, owner);
      this.#unlock(at, this.#grant(at) | (2 ** queueOwnersMax - 1));
    }
    Atomics.store(this.#words, queueOwnersMax + owner, 0);
  }

  /** Nothing ever waited there, nothing is in flight, and nobody has died while changing that. */
  #isUnused(at: number): boolean {
    const isNever = (word: number): boolean => Atomics.load(this.#words, at + word) === 0;
    return isNever(0) && isNever(ticketWord) && isNever(inFlightWord);
  }

  #rebuild(queue: number, dead: number): void {
    const shared = this.#words;
    const at = queuesAt + queue * queueWords;
    const found: number[] = [];
    let grants = 0;
    for (let owner = 0; owner < queueOwnersMax; owner += 1) {
      const end = owner * waitersMax + Atomics.load(shared, queueOwnersMax + owner);
      for (let waiter = owner * waitersMax; waiter < end; waiter += 1) {
        const state = shared[waiterAt(waiter) + stateWord];
        if (state === free || shared[waiterAt(waiter) + queueWord] !== queue) continue;
        if (owner === dead) Atomics.store(shared, waiterAt(waiter) + stateWord, free);
        else if (state === granted) grants += 1;
        else found.push(waiter);
      }
    }
    const order = (waiter: number): number => shared[waiterAt(waiter) + orderWord] as number;
    found.sort((a, b) => (order(a) - order(b)) | 0);
    shared[at + heldWord + dead] = 0;
    let held = 0;
    for (let owner = 0; owner < queueOwnersMax; owner += 1) held += shared[at + heldWord + owner] as number;
    Atomics.store(shared, at + inFlightWord, held + grants);
    Atomics.store(shared, at + waitingWord, 0);
    shared[at + firstWord] = 0;
    shared[at + lastWord] = 0;
    for (const waiter of found) this.#link(at, waiter);
  }

  /** Hands free places to the first waiters. Returns whose bells have to ring, a bit each. */
  #grant(at: number): number {
    const shared = this.#words;
    let rung = 0;
    while ((shared[at + inFlightWord] as number) < (shared[at + maxWord] as number)) {
      const waiter = (shared[at + firstWord] as number) - 1;
      if (waiter < 0) return rung;
      this.#unlink(at, waiter);
      this.#add(at + inFlightWord, 1);
      Atomics.store(shared, waiterAt(waiter) + stateWord, granted);
      rung |= 1 << Math.floor(waiter / waitersMax);
    }
    return rung;
  }

  #append(queue: number, waiter: number): void {
    const shared = this.#words;
    const at = queuesAt + queue * queueWords;
    // Never 0, which says that nothing has waited yet.
    const ticket = ((shared[at + ticketWord] as number) + 1) | 0 || 1;
    shared[at + ticketWord] = ticket;
    shared[waiterAt(waiter) + queueWord] = queue;
    shared[waiterAt(waiter) + orderWord] = ticket;
    this.#link(at, waiter);
    Atomics.store(shared, waiterAt(waiter) + stateWord, waiting);
  }

  #link(at: number, waiter: number): void {
    const shared = this.#words;
    const last = shared[at + lastWord] as number;
    shared[waiterAt(waiter) + nextWord] = 0;
    shared[waiterAt(waiter) + previousWord] = last;
    if (last === 0) shared[at + firstWord] = waiter + 1;
    else shared[waiterAt(last - 1) + nextWord] = waiter + 1;
    shared[at + lastWord] = waiter + 1;
    this.#add(at + waitingWord, 1);
  }

  #unlink(at: number, waiter: number): void {
    const shared = this.#words;
    const next = shared[waiterAt(waiter) + nextWord] as number;
    const previous = shared[waiterAt(waiter) + previousWord] as number;
    shared[previous === 0 ? at + firstWord : waiterAt(previous - 1) + nextWord] = next;
    shared[next === 0 ? at + lastWord : waiterAt(next - 1) + previousWord] = previous;
    this.#add(at + waitingWord, -1);
  }

  #freeWaiter(): number | undefined {
    const again = this.#free.pop();
    if (again !== undefined || this.#used === waitersMax) return again;
    this.#used += 1;
    Atomics.store(this.#words, queueOwnersMax + this.#owner, this.#used);
    return this.#owner * waitersMax + this.#used - 1;
  }

  #setFree(waiter: number): void {
    Atomics.store(this.#words, waiterAt(waiter) + stateWord, free);
    this.#free.push(waiter);
  }

  #add(at: number, count: number): void {
    Atomics.store(this.#words, at, (this.#words[at] as number) + count);
  }

  #lock(queue: number): number {
    const at = queuesAt + queue * queueWords;
    lock(this.#words, at, this.#owner);
    return at;
  }

  /** Also rings bells. True: this thread's is among them. */
  #unlock(at: number, rung: number): boolean {
    unlock(this.#words, at);
    for (let owner = 0; rung >>> owner !== 0; owner += 1) {
      if ((rung & (1 << owner)) === 0) continue;
      Atomics.add(this.#words, owner, 1);
      Atomics.notify(this.#words, owner);
    }
    return (rung & (1 << this.#owner)) !== 0;
  }
}

function waiterAt(waiter: number): number {
  return waitersAt + waiter * waiterWords;
}
