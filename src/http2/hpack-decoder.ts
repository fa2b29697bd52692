import { ConnectionFault, defaultTableBytes, errorCodes } from './codes.ts';
import { kindOf } from './field-kind.ts';
import { type Entry, FieldTable } from './field-table.ts';
import { Head, type HeadBounds } from './head.ts';
import { decodeHuffman } from './huffman.ts';
import { knownBlockBytesMax, knownBlockExtraBytes, knownBlocksBytesMax } from './limits.ts';

/** An integer has so many bytes after its first at most: four hold 28 bits, more than any block. */
const integerBytesMax = 4;
const noBytes: Buffer = Buffer.alloc(0);

/** What is decoded from Huffman's code stands here until it is a string: one for all connections. */
let scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Decodes the header blocks of one direction of a connection (RFC 7541). Blocks that come again and again, which most do where a
 * table holds their fields, are remembered: the same `Head` is returned.
 */
export class HpackDecoder {
  readonly #bounds: HeadBounds;
  readonly #table = new FieldTable();
  readonly #known = new Map<string, Head>();
  #knownVersion = 0;
  #knownBytes = 0;
  #block: Buffer = noBytes;
  #at = 0;
  #end = 0;

  constructor(bounds: HeadBounds) {
    this.#bounds = bounds;
  }

  /** Throws a ConnectionFault: what comes after can't be read any more. */
  decode(block: Buffer, at: number, end: number): Head {
    if (end - at > knownBlockBytesMax) return this.#read(block, at, end);
    if (this.#knownVersion !== this.#table.version) this.#forget();
    const key = block.toString('latin1', at, end);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const head = this.#read(block, at, end);
    // What changed the table is another thing when it comes again.
    if (this.#knownVersion !== this.#table.version) return head;
    if (this.#knownBytes > knownBlocksBytesMax) this.#forget();
    this.#known.set(key, head);
    this.#knownBytes += key.length + knownBlockExtraBytes;
    return head;
  }

  #forget(): void {
    this.#known.clear();
    this.#knownBytes = 0;
    this.#knownVersion = this.#table.version;
  }

  #read(block: Buffer, at: number, end: number): Head {
    this.#block = block;
    this.#at = at;
    this.#end = end;
    const head = new Head();
    let isFirst = true;
    while (this.#at < end) {
      const byte = block[this.#at] as number;
      if ((byte & 0xe0) === 0x20) {
        if (!isFirst) throw broken('size of the table after a field');
        this.#resize();
        continue;
      }
      isFirst = false;
      this.#field(byte, head);
    }
    head.close();
    this.#block = noBytes;
    return head;
  }

  #field(byte: number, head: Head): void {
    if (byte >= 0x80) {
      head.add(this.#entry(this.#integer(0x7f)), this.#bounds);
      return;
    }
    const isAdded = (byte & 0xc0) === 0x40;
    const index = this.#integer(isAdded ? 0x3f : 0x0f);
    const name = index === 0 ? this.#string() : this.#entry(index).name;
    const value = this.#string();
    const entry = { name, value, kind: kindOf(name, value) };
    if (isAdded) this.#table.add(entry);
    else if ((byte & 0x10) !== 0) {
      head.sensitive ??= new Set();
      head.sensitive.add(name);
    }
    head.add(entry, this.#bounds);
  }

  #entry(index: number): Entry {
    const entry = index === 0 ? undefined : this.#table.at(index);
    if (entry === undefined) throw broken('no such field in the table');
    return entry;
  }

  /** We never allow more than the default. */
  #resize(): void {
    const bytes = this.#integer(0x1f);
    if (bytes > defaultTableBytes) throw broken('table larger than allowed');
    this.#table.resize(bytes);
  }

  /** RFC 7541, section 5.1. */
  #integer(mask: number): number {
    let value = (this.#block[this.#at] as number) & mask;
    this.#at += 1;
    if (value < mask) return value;
    for (let count = 0, shift = 0; ; count += 1, shift += 7) {
      if (this.#at >= this.#end || count === integerBytesMax) throw broken('integer');
      const byte = this.#block[this.#at] as number;
      this.#at += 1;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** RFC 7541, section 5.2. Characters are bytes. */
  #string(): string {
    if (this.#at >= this.#end) throw broken('cut short');
    const isCoded = (this.#block[this.#at] as number) >= 0x80;
    const length = this.#integer(0x7f);
    const at = this.#at;
    const end = at + length;
    if (end > this.#end) throw broken('string beyond the end');
    this.#at = end;
    if (!isCoded) return this.#block.toString('latin1', at, end);
    if (scratch.length < 2 * length) scratch = Buffer.allocUnsafeSlow(2 * length);
    const decoded = decodeHuffman(this.#block, at, end, scratch);
    if (decoded < 0) throw broken('Huffman code');
    return scratch.toString('latin1', 0, decoded);
  }
}

function broken(what: string): ConnectionFault {
  return new ConnectionFault(errorCodes.compression, `header block: ${what}`);
}
