import { pieceBytes, piecesMax } from './limits.ts';

/** Below this Node has memory at hand that is made for many at once. */
const smallBytes = 2048;

/**
 * Copies of what has to wait, in memory that is used again: what is allocated outside the heap for each costs a full collection of
 * garbage for each 64 MB, and stands there until then.
 */
export class Pieces {
  readonly #free: Buffer[] = [];
  /** All that were made and are not forgotten. */
  readonly #own = new WeakSet<ArrayBufferLike>();

  copy(bytes: Buffer): Buffer {
    const { length } = bytes;
    if (length < smallBytes || length > pieceBytes) return Buffer.from(bytes);
    const piece = this.#free.pop() ?? this.#make();
    bytes.copy(piece);
    return length === pieceBytes ? piece : piece.subarray(0, length);
  }

  /** What was copied is needed no more. Nothing happens to memory of others. */
  giveBack(bytes: Buffer): void {
    if (bytes.length < smallBytes || bytes.buffer.byteLength !== pieceBytes || !this.#own.has(bytes.buffer)) return;
    if (this.#free.length < piecesMax) this.#free.push(bytes.length === pieceBytes ? bytes : Buffer.from(bytes.buffer));
  }

  #make(): Buffer {
    const made = Buffer.allocUnsafeSlow(pieceBytes);
    this.#own.add(made.buffer);
    return made;
  }
}
