/** What a walk refuses a message for. Each is a reason of the denial table. */
export type WalkReason = 'message-malformed' | 'message-ambiguous' | 'message-compressed' | 'body-too-large';

/** Thrown within this room only. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly reason: WalkReason;

  constructor(reason: WalkReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Wire types (protobuf encoding, "Message structure"). 3 and 4 are groups; 6 and 7 mean nothing. */
export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
export const wireFixed32 = 5;

/** Bytes of a tag or length at most: both are 32-bit numbers. */
export const shortVarintBytesMax = 5;
/** Bytes of a value at most: 64 bits. */
export const varintBytesMax = 10;

/**
 * Numbers below this one (those of one-byte tags) are length-delimited, or refused: all that TensorFlow Serving knows are. Of a known
 * field with another wire type conforming parsers make an unknown one, and some (protobufjs) go on as if it had the right one,
 * which hides or brings to light what follows.
 */
export const freeNumberMin = 16;

/** Number and wire type of a tag of at most 32 bits; throws where the number is 0 or the wire type is none that is let through. */
export function readTag(tag: number): { readonly number: number; readonly type: number } {
  const type = tag % 8;
  const number = (tag - type) / 8;
  if (number === 0) throw new FieldError('message-malformed', 'field number 0');
  if (type === 3 || type === 4) throw new FieldError('message-malformed', 'group');
  if (type > 5) throw new FieldError('message-malformed', 'unknown wire type');
  return { number, type };
}

/** Fields of a small message that is here whole, one after the other. Strict: throws `FieldError`. */
export class FieldReader {
  number = 0;
  readonly #bytes: Uint8Array;
  #type = 0;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where it stands: before `next` the start of a field, after its value was taken its end. */
  get position(): number {
    return this.#at;
  }

  /** Goes to the next field. False: there is none. */
  next(): boolean {
    if (this.#at === this.#bytes.length) return false;
    const { number, type } = readTag(this.#short());
    this.number = number;
    this.#type = type;
    return true;
  }

  /** Value of the field, which must be length-delimited. */
  bytes(): Uint8Array {
    if (this.#type !== wireBytes) throw new FieldError('message-malformed', 'wire type of a known field');
    const length = this.#short();
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new FieldError('message-malformed', 'length beyond the end');
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** Value of the field, which must be a varint in its shortest form. */
  varint(): bigint {
    if (this.#type !== wireVarint) throw new FieldError('message-malformed', 'wire type of a known field');
    let value = 0n;
    for (let count = 0; count < varintBytesMax; count += 1) {
      const byte = this.#byte();
      value += BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte >= 0x80) continue;
      if (byte === 0 && count > 0) break;
      return value;
    }
    throw new FieldError('message-malformed', 'overlong varint');
  }

  /** Passes over a field that nobody knows. Only those of one form can stand here: varints and bytes. */
  skip(): void {
    if (this.#type === wireBytes || this.number < freeNumberMin) this.bytes();
    else if (this.#type === wireVarint) this.#skipVarint();
    else throw new FieldError('message-malformed', 'unknown field of fixed size');
  }

  #skipVarint(): void {
    for (let count = 0; count < varintBytesMax; count += 1) if (this.#byte() < 0x80) return;
    throw new FieldError('message-malformed', 'overlong varint');
  }

  /** A tag or a length. */
  #short(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < shortVarintBytesMax; count += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 0x80) continue;
      if ((byte === 0 && count > 0) || value > 0xffff_ffff) break;
      return value;
    }
    throw new FieldError('message-malformed', 'overlong varint');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new FieldError('message-malformed', 'cut short');
    this.#at += 1;
    return byte;
  }
}
