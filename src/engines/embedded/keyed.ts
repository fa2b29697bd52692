/** What stands under a hash. */
export interface Keyed {
  /** SHA-256. */
  readonly key: Buffer;
  /** The same as text. */
  readonly name: string;
}

const bucketsMax = 1024;

/**
 * What is under way, by its hash. Not a Map: each time its table is made anew, the one before keeps hold of the next, so that what comes
 * and goes by thousands a second outlives it until the whole heap is collected (seen: that took more CPU time than carrying the calls).
 */
export class ByKey<T extends Keyed> {
  readonly #buckets: (T[] | undefined)[] = Array.from({ length: bucketsMax });

  get({ key, name }: Keyed): T | undefined {
    return this.#buckets[bucketOf(key)]?.find((each) => each.name === name);
  }

  add(one: T): void {
    const at = bucketOf(one.key);
    const bucket = this.#buckets[at];
    if (bucket === undefined) this.#buckets[at] = [one];
    else bucket.push(one);
  }

  /** False: it wasn't there. */
  delete(one: T): boolean {
    const bucket = this.#buckets[bucketOf(one.key)] ?? [];
    const at = bucket.indexOf(one);
    if (at === -1) return false;
    bucket.splice(at, 1);
    return true;
  }

  all(): T[] {
    return this.#buckets.flatMap((bucket) => bucket ?? []);
  }
}

function bucketOf(key: Buffer): number {
  return key.readUInt16LE(0) % bucketsMax;
}
