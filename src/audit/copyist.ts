/**
 * Reads bytes from one place and writes to another, piece by piece; a piece that is not what it must be makes `ok` false for good.
 * Loops over bytes: for the few that a field has, they take less time than any call into the runtime.
 */
export class Copyist {
  /** Every piece was what it had to be. */
  ok = true;
  /** Where it reads next. */
  from = 0;
  /** Where it writes next. */
  to = 0;
  #source: Buffer = nothing;
  #target: Buffer = nothing;

  begin(source: Buffer, from: number, target: Buffer, to: number): void {
    this.ok = true;
    this.from = from;
    this.to = to;
    this.#source = source;
    this.#target = target;
  }

  /** The next byte; 0 where it fails anyway. */
  peek(): number {
    return this.#source[this.from] ?? 0;
  }

  /** Writes these bytes. */
  put(bytes: Uint8Array): void {
    const target = this.#target;
    const count = bytes.length;
    let to = this.to;
    for (let at = 0; at < count; at += 1) target[to++] = bytes[at] as number;
    this.to = to;
  }

  /** Takes these bytes; they must come next. */
  take(bytes: Uint8Array): void {
    if (this.follows(bytes)) this.from += bytes.length;
    else this.ok = false;
  }

  /** Copies these bytes; they must come next. */
  copy(bytes: Uint8Array): void {
    this.take(bytes);
    this.put(bytes);
  }

  /** Whether these bytes come next. */
  follows(bytes: Uint8Array): boolean {
    const source = this.#source;
    const count = bytes.length;
    let from = this.from;
    for (let at = 0; at < count; at += 1) if (source[from++] !== bytes[at]) return false;
    return true;
  }

  /** Copies a whole number as JSON has it, of at most 15 digits, and returns it. */
  count(): number {
    const source = this.#source;
    const target = this.#target;
    const start = this.from;
    let [from, to, value] = [start, this.to, 0];
    for (let digit = (source[from] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (source[from] ?? 0) - zero) {
      value = value * 10 + digit;
      target[to++] = digit + zero;
      from += 1;
    }
    const digits = from - start;
    if (digits === 0 || digits > digitsMax || (digits > 1 && source[start] === zero)) this.ok = false;
    this.from = from;
    this.to = to;
    return value;
  }

  /** Copies such a number, one higher. */
  countPlusOne(): void {
    const start = this.to;
    this.count();
    const target = this.#target;
    let at = this.to - 1;
    for (; at >= start && target[at] === nine; at -= 1) target[at] = zero;
    // All nines would need a digit more, which happens so seldom that the careful way may have it.
    if (at < start) this.ok = false;
    else target[at] = (target[at] as number) + 1;
  }

  /** Reads such a number and writes nothing. */
  skipCount(): number {
    const { to } = this;
    const value = this.count();
    this.to = to;
    return value;
  }

  /** Copies such a number, or one with up to six decimals behind it, and returns it. */
  decimal(): number {
    const whole = this.count();
    if (this.peek() !== point) return whole;
    this.copy(pointBytes);
    const source = this.#source;
    const target = this.#target;
    const start = this.from;
    let [from, to, value, scale] = [start, this.to, whole, 1];
    for (let digit = (source[from] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (source[from] ?? 0) - zero) {
      value = value * 10 + digit;
      scale *= 10;
      target[to++] = digit + zero;
      from += 1;
    }
    if (from === start || from - start > decimalsMax) this.ok = false;
    this.from = from;
    this.to = to;
    return value / scale;
  }

  /** Reads so many digits of a number in lower-case hexadecimal, writes nothing, and returns it. */
  hexadecimal(digits: number): number {
    const source = this.#source;
    let value = 0;
    for (const end = this.from + digits; this.from < end; this.from += 1) {
      const byte = source[this.from] ?? 0;
      const digit = byte >= lowerA ? byte - lowerA + 10 : byte - zero;
      if (digit < 0 || digit > 15 || (byte > nine && byte < lowerA)) this.ok = false;
      value = value * 16 + digit;
    }
    return value;
  }

  /** Reads an IPv4 address as eight digits of upper-case hexadecimal, and writes it as people do. */
  address(): void {
    const source = this.#source;
    const target = this.#target;
    let [from, to] = [this.from, this.to];
    for (let part = 0; part < 4; part += 1) {
      const [high, low] = [upperDigit(source[from++] ?? 0), upperDigit(source[from++] ?? 0)];
      if (high < 0 || low < 0) this.ok = false;
      const value = high * 16 + low;
      if (part > 0) target[to++] = point;
      if (value > 99) target[to++] = zero + Math.trunc(value / 100);
      if (value > 9) target[to++] = zero + (Math.trunc(value / 10) % 10);
      target[to++] = zero + (value % 10);
    }
    this.from = from;
    this.to = to;
  }

  /** Copies up to `max` bytes that `kind` has, at least one. */
  run(kind: ByteKind, max: number): void {
    const source = this.#source;
    const target = this.#target;
    const start = this.from;
    let [from, to] = [start, this.to];
    while (kind[source[from] ?? 0] === 1) target[to++] = source[from++] as number;
    if (from === start || from - start > max) this.ok = false;
    this.from = from;
    this.to = to;
  }

  /** Reads up to `max` bytes that `kind` has, at least one, and writes nothing. */
  skip(kind: ByteKind, max: number): void {
    const { to } = this;
    this.run(kind, max);
    this.to = to;
  }

  /** Copies so many bytes that `kind` has, no fewer and no more. */
  runOf(kind: ByteKind, count: number): void {
    const { from } = this;
    this.run(kind, count);
    if (this.from - from !== count) this.ok = false;
  }

  /** Reads so many and writes nothing. */
  skipOf(kind: ByteKind, count: number): void {
    const { to } = this;
    this.runOf(kind, count);
    this.to = to;
  }

  /** Writes the end of an event, many bytes at once. Returns where it ends; 0: a piece was not what it must be, or there is no room. */
  end(tail: Uint8Array): number {
    const target = this.#target;
    const { to } = this;
    if (!this.ok || to + tail.length > target.length) return 0;
    target.set(tail, to);
    this.to = to + tail.length;
    return this.to;
  }

  /** The same where these bytes must come next. */
  copyEnd(tail: Uint8Array): number {
    const source = this.#source;
    const { from } = this;
    const next = from + tail.length;
    if (next > source.length || source.compare(tail, 0, tail.length, from, next) !== 0) return 0;
    this.from = next;
    return this.end(tail);
  }

  /** Moves behind the end of the line that it reads in, over one last field: no tab may come. */
  skipLast(): void {
    const source = this.#source;
    let { from } = this;
    let byte = source[from];
    while (byte !== undefined && byte !== lineFeed && byte !== tab) byte = source[++from];
    if (byte !== lineFeed) this.ok = false;
    this.from = from + 1;
  }
}

/** -1: it is no digit. */
function upperDigit(byte: number): number {
  if (byte >= zero && byte <= nine) return byte - zero;
  return byte >= upperA && byte <= upperF ? byte - upperA + 10 : -1;
}

const nothing = Buffer.alloc(0);
const tab = 9;
const lineFeed = 10;
const point = 46;
const pointBytes = Buffer.from('.');
const zero = 48;
const nine = 57;
const lowerA = 97;
const [upperA, upperF] = [65, 70];
const digitsMax = 15;
const decimalsMax = 6;

/** By byte: 1 where it is of the kind. Never 1 for 0, which stands for the end. */
export type ByteKind = Uint8Array;

/** The kind of the bytes that a pattern for one character matches; ASCII alone. */
export function byteKind(pattern: RegExp): ByteKind {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte > 0 && byte < 128 && pattern.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}
