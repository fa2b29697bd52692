/** What can be wrong with bytes that should be SPOP (or a part of it). */
export class SpopError extends Error {
  override readonly name = 'SpopError';
  readonly code = 'spop-malformed';
}

/** Longest variable-length integer: 64 bits. */
const varintBytesMax = 10;

/** Reads SPOP's primitives from a buffer. Every method throws `SpopError` where the bytes end early. */
export class SpopReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw new SpopError('ended early');
    const byte = this.#bytes[this.#at] as number;
    this.#at += 1;
    return byte;
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** SPOE.txt, section 3.1: below 240 one byte; then four bits, and seven of each byte that follows. */
  varint(): bigint {
    const first = this.byte();
    if (first < 240) return BigInt(first);
    let value = BigInt(first);
    let shift = 4n;
    for (let count = 1; count < varintBytesMax; count += 1) {
      const byte = this.byte();
      value += BigInt(byte) << shift;
      shift += 7n;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new SpopError('integer too long');
  }

  /** A variable-length integer that counts bytes. */
  length(): number {
    const length = this.varint();
    if (length > BigInt(this.left)) throw new SpopError('length beyond the end');
    return Number(length);
  }

  bytes(): Buffer {
    return this.take(this.length());
  }

  text(): string {
    return this.bytes().toString('latin1');
  }

  take(count: number): Buffer {
    if (count > this.left) throw new SpopError('ended early');
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }
}

/** Bytes of a variable-length integer. `value` from 0 to 2^64 − 1. */
export function varintBytes(value: bigint | number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  if (rest < 240n) return Buffer.from([Number(rest)]);
  const bytes = [Number((rest & 0x0fn) | 0xf0n)];
  rest = (rest - 240n) >> 4n;
  while (rest >= 128n) {
    bytes.push(Number((rest & 0x7fn) | 0x80n));
    rest = (rest - 128n) >> 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** A length and the bytes (a text as latin1: one byte a character). */
export function lengthPrefixed(content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  return Buffer.concat([varintBytes(bytes.length), bytes]);
}
