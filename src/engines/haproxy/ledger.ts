import { permitKeptMsMax } from '../../std/limits.ts';

/** Records of one generation at most; what is over is asked each time. */
export const recordsMax = 50_000;
/** Counters that have a number at once. */
const countersMax = 1_000_000;
/** Longer than any permit is kept: when a half is emptied, nothing that is kept refers to it. */
const generationMs = permitKeptMsMax + 30_000;

/** What has to be done to HAProxy's maps, in order. */
export interface MapOrders {
  clear(half: 0 | 1): void;
  add(half: 0 | 1, number: number, record: string): void;
}

/**
 * Numbers of records and counters in one HAProxy process. Records live in two maps by turns: a generation writes to one and
 * then leaves it for as long as a permit is kept, then it is emptied whole, because single entries of a map on 2.6 are found
 * by walking all of it.
 */
export class Ledger {
  readonly #orders: MapOrders;
  readonly #counters = new Map<string, number>();
  #half: 0 | 1 = 0;
  #startedMs: number;
  #next = 1;
  #nextCounter = 1;
  #records = new Map<string, number>();
  #bySubject = new Map<string, Set<number>>();
  #earlier = new Map<string, Set<number>>();

  constructor(orders: MapOrders, nowMs: number) {
    this.#orders = orders;
    this.#startedMs = nowMs;
  }

  /** Records that HAProxy holds of this generation. */
  get size(): number {
    return this.#records.size;
  }

  /** Number of a record; undefined where there are too many. */
  recordNumber(record: string, subjectId: string | undefined, nowMs: number): number | undefined {
    if (nowMs - this.#startedMs >= generationMs) this.#turn(nowMs);
    const known = this.#records.get(record);
    if (known !== undefined) return known;
    if (this.#records.size >= recordsMax) return undefined;
    const number = this.#next * 2 + this.#half;
    this.#next += 1;
    this.#records.set(record, number);
    if (subjectId !== undefined) this.#note(subjectId, number);
    this.#orders.add(this.#half, number, record);
    return number;
  }

  /** Number of the counter of one limit for one caller, from 1. */
  counterNumber(owner: readonly (string | number)[]): number {
    const key = JSON.stringify(owner);
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    if (this.#counters.size >= countersMax) this.#counters.clear();
    const number = this.#nextCounter;
    this.#nextCounter = number >= 2 ** 31 ? 1 : number + 1;
    this.#counters.set(key, number);
    return number;
  }

  /** Numbers of the records of these subjects, which are forgotten here. */
  revoke(subjectIds: readonly string[]): number[] {
    const numbers = new Set<number>();
    for (const id of subjectIds) {
      for (const held of [this.#bySubject, this.#earlier]) {
        for (const number of held.get(id) ?? []) numbers.add(number);
        held.delete(id);
      }
    }
    for (const [record, number] of this.#records) if (numbers.has(number)) this.#records.delete(record);
    return [...numbers];
  }

  #note(subjectId: string, number: number): void {
    const numbers = this.#bySubject.get(subjectId);
    if (numbers === undefined) this.#bySubject.set(subjectId, new Set([number]));
    else numbers.add(number);
  }

  #turn(nowMs: number): void {
    this.#half = this.#half === 0 ? 1 : 0;
    this.#startedMs = nowMs;
    this.#records = new Map();
    this.#earlier = this.#bySubject;
    this.#bySubject = new Map();
    this.#orders.clear(this.#half);
  }
}
