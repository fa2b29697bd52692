interface Flushed {
  flush(): void;
}

/** Memory that frames are copied to, from `at` on. */
export interface Slab {
  readonly bytes: Buffer;
  at: number;
}

const slabBytes = 65_536;
const slabBytesLeft = 2048;
const slabsMax = 64;

/**
 * Flushes at the end of a turn of the event loop whatever was written to in it. All connections of one thread share it, and the memory
 * that they write from: an idle connection holds none.
 */
export class Turn {
  #waiting: Flushed[] = [];
  #isScheduled = false;
  readonly #slabs: Slab[] = [];

  add(output: Flushed): void {
    this.#waiting.push(output);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#end);
  }

  /** Doesn't wait for the end: where many have just written at once. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const output of waiting) output.flush();
  }

  /** With room for so many bytes. */
  slab(bytes: number): Slab {
    if (bytes <= slabBytesLeft) {
      const left = this.#slabs.pop();
      if (left !== undefined) return left;
    }
    return { bytes: Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes)), at: 0 };
  }

  /** What was written may still be on its way: memory is not used twice, only what is left of it. */
  giveBack(slab: Slab): void {
    if (slab.bytes.length - slab.at >= slabBytesLeft && this.#slabs.length < slabsMax) this.#slabs.push(slab);
  }

  readonly #end = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
