import { randomInt } from 'node:crypto';

/** Counters that have a number at once. */
const countersMax = 1_000_000;
/** HAProxy's keys are unsigned and of 32 bits. */
const numberMax = 2 ** 31;

/**
 * Numbers of counters, the same for all processes of a run, so that what one has counted can be given to the next. They begin anywhere, so
 * that a process of an earlier life, which had others, takes none for another caller's.
 */
export class CounterNumbers {
  readonly #numbers = new Map<string, number>();
  #next = randomInt(1, numberMax);

  numberOf(owner: readonly (string | number)[]): number {
    const key = JSON.stringify(owner);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#numbers.size >= countersMax) this.#numbers.clear();
    const number = this.#next;
    this.#next = number >= numberMax ? 1 : number + 1;
    this.#numbers.set(key, number);
    return number;
  }
}
