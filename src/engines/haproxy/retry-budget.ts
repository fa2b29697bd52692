import type { RetriesPlan } from '../../plan/types.ts';

/** Of what HAProxy has counted for a service since its start. */
export interface ServiceCounts {
  readonly calls: number;
  /** Tries beyond the first, on the same replica or on another. */
  readonly tries: number;
  /** What a replica did wrong, whether it was tried again or not. */
  readonly faults: number;
}

/** Further tries are weighed against the calls of so many milliseconds. */
const windowMs = 10_000;
/** Further tries in a window that are always allowed, so that a quiet service may be tried again at all. */
const triesMin = 5;
/**
 * How long after the last fault calls are held to be sent again. HAProxy copies its whole buffer (40 kB) for each call that it may send
 * again, a tenth to a sixth of what the call costs it, so a service that gives no cause isn't charged for it.
 */
const calmMs = 60_000;
/** The same from the start of a process on. */
const calmAtFirstMs = 10_000;
const million = 1_000_000;

interface Look extends ServiceCounts {
  readonly atMs: number;
}

/**
 * Whether calls of a service may be sent again, by what HAProxy has counted: nothing in it keeps a budget. Between two looks it doesn't
 * change, so a burst of failures gets one look's tries more than its share.
 */
export class RetryBudget {
  readonly #plan: RetriesPlan;
  readonly #isAlwaysHeld: boolean;
  readonly #looks: [Look, ...Look[]];
  #faultMs: number;
  #isUsedUp = false;
  #refused = 0;

  /** `isAlwaysHeld`: also where there has been no fault for long. */
  constructor(plan: RetriesPlan, { isAlwaysHeld, nowMs }: { readonly isAlwaysHeld: boolean; readonly nowMs: number }) {
    this.#plan = plan;
    this.#isAlwaysHeld = isAlwaysHeld;
    this.#faultMs = nowMs - calmMs + calmAtFirstMs;
    this.#looks = [{ calls: 0, tries: 0, faults: 0, atMs: nowMs }];
  }

  /** Further tries that were made. */
  get tries(): number {
    return this.#newest.tries;
  }

  get #newest(): Look {
    return this.#looks.at(-1) ?? this.#looks[0];
  }

  /** Faults while the budget was used up: about so many further tries were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** There is cause to expect faults. */
  expect(nowMs: number): void {
    this.#faultMs = nowMs;
  }

  /** Takes a look into account. Whether calls may be sent again from now on. */
  see(counts: ServiceCounts, nowMs: number): boolean {
    const before = this.#newest;
    const faults = counts.faults - before.faults;
    if (faults > 0) this.#faultMs = nowMs;
    if (this.#isUsedUp) this.#refused += faults;
    this.#looks.push({ ...counts, atMs: nowMs });
    // The oldest is the state at the beginning of the window.
    while ((this.#looks[1]?.atMs ?? nowMs) <= nowMs - windowMs) this.#looks.shift();
    const [first] = this.#looks;
    const allowed = Math.max(triesMin, ((counts.calls - first.calls) * this.#plan.budgetPpm) / million);
    this.#isUsedUp = this.#plan.budgetPpm === 0 || counts.tries - first.tries >= allowed;
    return !this.#isUsedUp && (this.#isAlwaysHeld || nowMs - this.#faultMs < calmMs);
  }
}
