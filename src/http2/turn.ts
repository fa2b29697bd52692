import { readBytes, slabBytes, slabsMax } from './limits.ts';

interface Flushed {
  flush(): void;
}

/** Memory that frames are copied to, from `at` on. */
export interface Slab {
  readonly bytes: Buffer;
  at: number;
  /** Something of it is still on its way. */
  isUnderway: boolean;
}

/**
 * Flushes at the end of a turn of the event loop whatever was written to in it. All connections of one thread share it, and the memory
 * that they read into and write from: an idle connection holds none.
 */
export class Turn {
  #waiting: Flushed[] = [];
  #isScheduled = false;
  readonly #slabs: Slab[] = [];
  #readBuffer: Buffer | undefined;
  /** Called at each end, before what was written leaves: what it writes leaves with it. */
  atEnd: () => void = () => undefined;

  /** What sockets read into: it is worked on before the next one reads. */
  get readBuffer(): Buffer {
    this.#readBuffer ??= Buffer.allocUnsafeSlow(readBytes);
    return this.#readBuffer;
  }

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
    const last = this.#slabs.pop();
    if (last !== undefined && last.bytes.length - last.at >= bytes) return last;
    return { bytes: Buffer.allocUnsafeSlow(slabBytes), at: 0, isUnderway: false };
  }

  /** `isWritten`: all of it has left. Memory that is still on its way is not used twice, only what is left behind it. */
  giveBack(slab: Slab, isWritten: boolean): void {
    slab.isUnderway ||= !isWritten;
    if (!slab.isUnderway) slab.at = 0;
    if (slab.bytes.length - slab.at >= slabBytes / 4 && this.#slabs.length < slabsMax) this.#slabs.push(slab);
  }

  readonly #end = (): void => {
    this.atEnd();
    this.#isScheduled = false;
    this.flush();
  };
}
