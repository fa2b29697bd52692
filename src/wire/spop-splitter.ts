import { SpopError } from './spop-bytes.ts';

/** Cuts a stream into frames, by their four bytes of length. Holds at most one frame of `frameBytesMax`. */
export class SpopSplitter {
  readonly #frameBytesMax: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** The frames that `chunk` completes, without their lengths. Throws `SpopError` for one that is too long. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at);
      if (length > this.#frameBytesMax) throw new SpopError('frame too long');
      if (bytes.length - at - 4 < length) break;
      frames.push(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#held = bytes.subarray(at);
    return frames;
  }
}
