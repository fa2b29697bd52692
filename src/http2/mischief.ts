import { mischiefMax, mischiefPerSecond } from './limits.ts';

/** Counts what a peer costs us for nothing: a bucket that empties with time. */
export class Mischief {
  #count = 0;
  #sinceMs = 0;

  /** False: it is too much. */
  note(nowMs: number): boolean {
    const passed = ((nowMs - this.#sinceMs) / 1000) * mischiefPerSecond;
    this.#sinceMs = nowMs;
    this.#count = Math.max(0, this.#count - passed) + 1;
    return this.#count <= mischiefMax;
  }
}
