import { readBytes, slabBytes, slabsMax } from './limits.ts';
import { Pieces } from './pieces.ts';

interface Flushed {
  flush(): void;
}

/** Memory that frames are copied to, from `at` on. */
export interface Slab {
  readonly bytes: Buffer;
  at: number;
  /** Writes of it that are still on their way. */
  underway: number;
  /** Somebody writes to it. */
  isHeld: boolean;
  /** It waits to be used. */
  isListed: boolean;
}

/**
 * Flushes at the end of a turn of the event loop whatever was written to in it. All connections of one thread share it, and the memory
 * that they read into and write from: an idle connection holds none.
 */
export class Turn {
  #waiting: Flushed[] = [];
  #isScheduled = false;
  readonly pieces = new Pieces();
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
    if (last !== undefined) last.isListed = false;
    const hasRoom = last !== undefined && last.bytes.length - last.at >= bytes;
    const slab = hasRoom ? last : { bytes: Buffer.allocUnsafeSlow(slabBytes), at: 0, underway: 0, ...unlisted };
    slab.isHeld = true;
    return slab;
  }

  /** `isWritten`: all of it has left. Else `written` follows, and only what is left behind it is used before that. */
  giveBack(slab: Slab, isWritten: boolean): void {
    slab.isHeld = false;
    if (!isWritten) slab.underway += 1;
    if (slab.underway === 0) slab.at = 0;
    if (slab.bytes.length - slab.at >= slabBytes / 4) this.#list(slab);
  }

  written(slab: Slab): void {
    slab.underway -= 1;
    if (slab.underway > 0 || slab.isHeld) return;
    slab.at = 0;
    this.#list(slab);
  }

  #list(slab: Slab): void {
    if (slab.isListed || this.#slabs.length >= slabsMax) return;
    slab.isListed = true;
    this.#slabs.push(slab);
  }

  readonly #end = (): void => {
    this.atEnd();
    this.#isScheduled = false;
    this.flush();
  };
}

const unlisted = { isHeld: false, isListed: false };
