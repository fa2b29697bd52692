/** Bytes of an answer that wait: until it is whole, or until its end may go. */
export class Held {
  bytes = 0;
  #chunks: Buffer[] = [];

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** All of them, in one piece; undefined: there are none. */
  take(): Buffer | undefined {
    const chunks = this.#chunks;
    if (chunks.length === 0) return undefined;
    this.#chunks = [];
    this.bytes = 0;
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }
}
