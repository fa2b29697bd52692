import { setTimeout as sleep } from 'node:timers/promises';
import type { Permit } from '../../gate/index.ts';
import type { Clock } from '../../std/clock.ts';
import { type CounterTable, countCall, HeldTable, ProcessTable } from './counters.ts';
import type { HaproxyProcess } from './process.ts';

/** How long questions wait for a step of it at most. */
const stepMsMax = 1000;

/**
 * What callers have used of their limits goes with them to a new process. One process counts by itself: the newest. The one before empties
 * its tables as soon as it is told to stop, so they are read before another is started. From then on it has kept nothing, and asks about
 * each call: those are counted here, and in the new one's tables as soon as it has them. Until then the new one's questions wait; it
 * begins with nothing kept, too.
 */
export class Handover {
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  /** By process: until when its questions wait. */
  readonly #waits = new Map<string, Promise<void>>();
  /** The process that counts by itself, and where calls of all others are counted. */
  #counting = '';
  #table: CounterTable = new HeldTable([]);
  /** Calls are counted one after the other: each reads what the one before has written. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, log: (line: string) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves when questions of this process may be answered. */
  async over(worker: string): Promise<void> {
    const wait = this.#waits.get(worker);
    if (wait !== undefined) await wait;
  }

  /** Starts a process, and gives it what the one before has counted. INVARIANT: nothing is kept under the epoch of now. */
  async during(
    worker: string,
    before: HaproxyProcess | undefined,
    start: () => Promise<HaproxyProcess>,
  ): Promise<HaproxyProcess> {
    const release = this.#hold(worker);
    try {
      const held = await this.#take(before);
      const started = await this.#startOr(start, before, held);
      await this.#give(held, started, before);
      return started;
    } finally {
      release();
    }
  }

  /** Counts a call of a process that doesn't by itself: whether its limits admit it. Undefined: the process does. */
  async count(worker: string, { fields }: Permit, keys: readonly number[]): Promise<boolean | undefined> {
    const { limits } = fields;
    if (worker === this.#counting || limits.length === 0) return undefined;
    const counted = this.#last.then(() => countCall(limits, keys, { table: this.#table, nowMs: this.#clock.now() }));
    this.#last = counted.catch(() => undefined);
    // Where it can't be counted, it is let through: a limit is no reason to refuse.
    return counted.catch((error: unknown) => {
      this.#say(error);
      return true;
    });
  }

  /** Questions of a process wait until the function is called. */
  #hold(worker: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waits.set(worker, promise);
    return () => {
      this.#waits.delete(worker);
      resolve();
    };
  }

  /** Takes the counters out of a process, which counts nothing any more. */
  async #take(before: HaproxyProcess | undefined): Promise<HeldTable> {
    if (before === undefined) return new HeldTable([]);
    const release = this.#hold(before.place.worker);
    try {
      const wanted = before.demands.slots > 0 ? new ProcessTable(before.api).ahead(() => this.#clock.now()) : [];
      const held = new HeldTable((await this.#inTime(wanted)) ?? []);
      this.#counting = '';
      this.#table = held;
      return held;
    } finally {
      release();
    }
  }

  async #startOr(
    start: () => Promise<HaproxyProcess>,
    before: HaproxyProcess | undefined,
    held: HeldTable,
  ): Promise<HaproxyProcess> {
    try {
      return await start();
    } catch (error) {
      if (before !== undefined) await this.#give(held, before, undefined);
      throw error;
    }
  }

  /** Gives them to a process, which counts by itself from then on; the one before waits for that. */
  async #give(held: HeldTable, to: HaproxyProcess, before: HaproxyProcess | undefined): Promise<void> {
    const release = before === undefined ? undefined : this.#hold(before.place.worker);
    try {
      await this.#last;
      const table = new ProcessTable(to.api);
      await this.#inTime(table.set(held.counters));
      this.#counting = to.place.worker;
      this.#table = table;
    } finally {
      release?.();
    }
  }

  async #inTime<T>(work: T | Promise<T>): Promise<T | undefined> {
    try {
      return await Promise.race([work, sleep(stepMsMax, undefined, { ref: false })]);
    } catch (error) {
      this.#say(error);
      return undefined;
    }
  }

  #say(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#log(`haproxy: counters of limits could not be handed over: ${why}`);
  }
}
