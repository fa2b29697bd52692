import { heldBodyBytesMax } from './limits.ts';

const noBytes = Buffer.alloc(0);

/** What is held of a message until it is known where it goes: copied into one piece, whose size the message's frame mostly tells. */
export class HeldMessage {
  #bytes: Buffer = noBytes;
  #length = 0;

  /** `bodyBytes`: of the whole, frame and all; 0: not known yet. */
  add(chunk: Buffer, bodyBytes: number): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) this.#grow(this.#roomFor(length, bodyBytes));
    chunk.copy(this.#bytes, this.#length);
    this.#length = length;
  }

  /** A frame may promise much: the whole is made room for once a good part of it is here. */
  #roomFor(length: number, bodyBytes: number): number {
    const isNear = bodyBytes <= 4 * length && bodyBytes <= heldBodyBytesMax;
    return Math.max(length, isNear ? bodyBytes : 2 * this.#length);
  }

  /** What was held; then nothing is. */
  take(): Buffer {
    const taken = this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
    this.#bytes = noBytes;
    this.#length = 0;
    return taken;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafe(bytes);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
