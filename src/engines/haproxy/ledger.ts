import { keptDecisionsMax, permitKeptMsMax } from '../../std/limits.ts';

/** Permits of one generation at most; what is over is asked each time. HAProxy takes 1.1 kB for each. */
export const permitsMax = keptDecisionsMax / 2;
/** And characters of their records: those of calls that are made for others hold several assertions. */
export const recordCharactersMax = permitsMax * 1500;
/** As long as a permit is kept at most: when a half is emptied, all in it have ended, and none is asked about anew before. */
const generationMs = permitKeptMsMax;
/**
 * Permits in a second that are put in the place of one that has ended, in the same generation: short ones, of conditions that read
 * the time. HAProxy walks all of a map for each. What is over is asked each time.
 */
const replacementsPerSecondMax = 200;

/** What has to be done to HAProxy's maps, in order. */
export interface MapOrders {
  /** Empties a half, which from then on is looked in first. */
  turn(half: 0 | 1): void;
  add(half: 0 | 1, key: string, record: string): void;
  remove(half: 0 | 1, key: string): void;
}

export interface KeptPermit {
  readonly key: string;
  readonly record: string;
  readonly endSeconds: number;
  readonly subjectId: string | undefined;
}

/** A generation: keys of what it holds, with when each ends, in seconds. */
interface Half {
  readonly ends: Map<string, number>;
  readonly bySubject: Map<string, string[]>;
  /** Of all records that it was given. */
  characters: number;
}

/** A key that HAProxy holds, and where. */
export interface HeldKey {
  readonly half: 0 | 1;
  readonly key: string;
}

/**
 * What one HAProxy process keeps. Permits live in two maps by turns: a generation writes to one and
 * then leaves it for as long as a permit is kept, then it is emptied whole, because single entries of a map on 2.6 are found by
 * walking all of it. INVARIANT: that a permit has ended stands in its record, so nothing hangs on a map being emptied in time.
 */
export class Ledger {
  readonly #orders: MapOrders;
  #half: 0 | 1 = 0;
  #startedMs: number;
  #halves: [Half, Half] = [empty(), empty()];
  #replaced = { second: 0, count: 0 };

  constructor(orders: MapOrders, nowMs: number) {
    this.#orders = orders;
    this.#startedMs = nowMs;
  }

  /** Permits that HAProxy holds, ended ones among them. */
  get size(): number {
    return this.#halves[0].ends.size + this.#halves[1].ends.size;
  }

  /** Keeps a permit, if there is room. */
  keep({ key, record, endSeconds, subjectId }: KeptPermit, nowMs: number): void {
    if (nowMs - this.#startedMs >= generationMs) this.#turn(nowMs);
    const half = this.#halves[this.#half];
    const { ends, bySubject } = half;
    const known = ends.get(key);
    // It is on its way to HAProxy.
    if (known !== undefined && known * 1000 > nowMs) return;
    const isFull = ends.size >= permitsMax || half.characters + record.length > recordCharactersMax;
    if (known === undefined ? isFull : !this.#mayReplace(nowMs)) return;
    if (known !== undefined) this.#orders.remove(this.#half, key);
    ends.set(key, endSeconds);
    if (known === undefined) half.characters += record.length;
    this.#orders.add(this.#half, key, record);
    if (subjectId === undefined || known !== undefined) return;
    const keys = bySubject.get(subjectId);
    if (keys === undefined) bySubject.set(subjectId, [key]);
    else keys.push(key);
  }

  /** Keys of what is held for these subjects, which are forgotten here. */
  revoke(subjectIds: readonly string[]): HeldKey[] {
    return ([0, 1] as const).flatMap((half) => {
      const { ends, bySubject } = this.#halves[half];
      const keys = subjectIds.flatMap((id) => bySubject.get(id) ?? []);
      for (const id of subjectIds) bySubject.delete(id);
      return keys.filter((key) => ends.delete(key)).map((key) => ({ half, key }));
    });
  }

  /** Nothing that was kept is found any more: its keys can't come again. */
  forget(nowMs: number): void {
    if (this.size === 0) return;
    this.#turn(nowMs);
    this.#turn(nowMs);
  }

  #mayReplace(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#replaced.second) this.#replaced = { second, count: 0 };
    this.#replaced.count += 1;
    return this.#replaced.count <= replacementsPerSecondMax;
  }

  #turn(nowMs: number): void {
    this.#half = this.#half === 0 ? 1 : 0;
    this.#startedMs = nowMs;
    this.#halves[this.#half] = empty();
    this.#orders.turn(this.#half);
  }
}

function empty(): Half {
  return { ends: new Map(), bySubject: new Map(), characters: 0 };
}
