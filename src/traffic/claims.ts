import { lock, seize, unlock } from './shared-lock.ts';

/** Keys that can be claimed at a time: `claimBucketsMax` × `claimsOfBucketMax`. 20 bytes each. */
export const claimBucketsMax = 1024;
export const claimsOfBucketMax = 16;
/** Who locks for the thread that watches over the others. */
const watcher = 254;

/** What `claim` says beside the number of another thread. */
export const claimed = -1;
export const unclaimable = -2;

const keyWords = 4;
const entryWords = keyWords + 1;
const bucketWords = 1 + claimsOfBucketMax * entryWords;

/** Memory of all claims, to be shared by the threads of one engine. */
export function claimMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(claimBucketsMax * bucketWords * 4);
}

/**
 * Who leads, over threads: a key of 128 bits belongs to the thread that was first to claim it, until that one lets go of it. Two locks
 * and a look at 16 entries for a claim that is made and released; no thread asks another.
 */
export class Claims {
  readonly #words: Int32Array;
  readonly #owner: number;

  /** `memory` of `claimMemory()`; `owner`: this thread's number, 0 to 253. */
  constructor(memory: SharedArrayBuffer, owner: number = watcher) {
    this.#words = new Int32Array(memory);
    this.#owner = owner;
  }

  /** `claimed`: now it is this thread's. `unclaimable`: no room. Else whose it is (this thread's own number among them). */
  claim(key: Buffer): number {
    const bucket = bucketOf(key);
    lock(this.#words, bucket, this.#owner);
    const said = this.#claim(bucket, key);
    unlock(this.#words, bucket);
    return said;
  }

  /** Lets go of a key that this thread has claimed. */
  release(key: Buffer): void {
    const bucket = bucketOf(key);
    lock(this.#words, bucket, this.#owner);
    const at = this.#find(bucket, key);
    if (at !== undefined && this.#words[at] === this.#owner + 1) this.#words[at] = 0;
    unlock(this.#words, bucket);
  }

  /** Lets go of all that a thread had claimed which has ended. */
  forget(owner: number): void {
    for (let bucket = 0; bucket < this.#words.length; bucket += bucketWords) {
      seize(this.#words, bucket, { from: owner, owner: this.#owner });
      for (let at = bucket + 1; at < bucket + bucketWords; at += entryWords) {
        if (this.#words[at] === owner + 1) this.#words[at] = 0;
      }
      unlock(this.#words, bucket);
    }
  }

  #claim(bucket: number, key: Buffer): number {
    const known = this.#find(bucket, key);
    if (known !== undefined) return (this.#words[known] as number) - 1;
    for (let at = bucket + 1; at < bucket + bucketWords; at += entryWords) {
      if (this.#words[at] !== 0) continue;
      for (let word = 0; word < keyWords; word += 1) this.#words[at + 1 + word] = key.readInt32LE(4 * word);
      this.#words[at] = this.#owner + 1;
      return claimed;
    }
    return unclaimable;
  }

  #find(bucket: number, key: Buffer): number | undefined {
    for (let at = bucket + 1; at < bucket + bucketWords; at += entryWords) {
      if (this.#words[at] !== 0 && this.#isOf(at, key)) return at;
    }
    return undefined;
  }

  #isOf(at: number, key: Buffer): boolean {
    for (let word = 0; word < keyWords; word += 1) {
      if (this.#words[at + 1 + word] !== key.readInt32LE(4 * word)) return false;
    }
    return true;
  }
}

/** By bytes that the entry doesn't begin with. */
function bucketOf(key: Buffer): number {
  return (key.readUInt32LE(4 * keyWords) % claimBucketsMax) * bucketWords;
}
