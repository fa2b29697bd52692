import { frameHeadBytes } from './message-walk.ts';

/** Counts the gRPC messages of one direction by their frames' heads, in pieces that are split anywhere. Nothing is kept of them. */
export class MessageCount {
  /** Messages of which the head is here. */
  messages = 0;
  /** Of a message that has begun: what is still to come of it. */
  #left = 0;
  /** Of a frame's head that is split. */
  #headBytes = 0;
  #length = 0;

  /** The last message is whole, as far as anything has come. */
  get isBetween(): boolean {
    return this.#left === 0 && this.#headBytes === 0;
  }

  /** Returns the length of the largest message that has begun in this piece; 0: none has. */
  push(chunk: Buffer): number {
    let [at, largest] = [0, 0];
    while (at < chunk.length) {
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        at = end;
        continue;
      }
      at = this.#readHead(chunk, at);
      if (this.#headBytes > 0) continue;
      this.messages += 1;
      this.#left = this.#length;
      if (this.#length > largest) largest = this.#length;
    }
    return largest;
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#headBytes === 0 && chunk.length - at >= frameHeadBytes) {
      this.#length = chunk.readUInt32BE(at + 1);
      return at + frameHeadBytes;
    }
    // The first of its bytes says whether the message is compressed.
    if (this.#headBytes === 0) this.#length = 0;
    else this.#length = this.#length * 256 + (chunk[at] as number);
    this.#headBytes = (this.#headBytes + 1) % frameHeadBytes;
    return at + 1;
  }
}
