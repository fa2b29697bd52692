import { defaultTableBytes } from './codes.ts';
import { isSendable } from './field-kind.ts';
import { FieldTable } from './field-table.ts';
import { encodedNamesMax } from './limits.ts';
import { staticFields } from './static-table.ts';

/** What an encoder knows of a name. */
interface Name {
  readonly lower: string;
  /** Of the static table: with this name; 0: none. */
  readonly index: number;
  /** Of the static table: by value. */
  readonly fixed: ReadonlyMap<string, number>;
  /** Values in the dynamic table, by the number of their entry. */
  readonly added: Map<string, number>;
  /** What was sent last: a value that comes twice will come again. */
  last: string | undefined;
}

/** One for all connections: what is encoded is copied at once. */
let shared = Buffer.allocUnsafeSlow(4096);
const fixedNames = fixed();
const noValues: ReadonlyMap<string, number> = new Map();

/**
 * Encodes the header blocks of one direction of a connection (RFC 7541). A field enters the table when its value comes for the second
 * time in a row, so that what differs from call to call never does. Strings are sent as they are: Huffman's code costs more time
 * than its bytes are worth between neighbours.
 */
export class HpackEncoder {
  /** What was encoded stands in `block`, until the next encoder begins. */
  length = 0;
  readonly #table = new FieldTable();
  readonly #names = new Map<string, Name>();
  /** What is in the table, oldest first. */
  #entries: [Name, string][] = [];
  #bytesMax = defaultTableBytes;
  /** The smallest since the last block; the peer has to be told. */
  #bytesLeast: number | undefined;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; more than the default is not made use of. */
  resize(bytesMax: number): void {
    const size = Math.min(bytesMax, defaultTableBytes);
    if (size === this.#bytesMax && this.#bytesLeast === undefined) return;
    this.#bytesLeast = Math.min(size, this.#bytesLeast ?? size);
    this.#bytesMax = size;
  }

  get block(): Buffer {
    return shared;
  }

  begin(): void {
    this.length = 0;
    const least = this.#bytesLeast;
    if (least === undefined) return;
    this.#bytesLeast = undefined;
    for (const size of least < this.#bytesMax ? [least, this.#bytesMax] : [this.#bytesMax]) {
      this.#room(8);
      this.#integer(0x20, 0x1f, size);
      this.#table.resize(size);
      this.#forget();
    }
  }

  /** False: it can't be sent, and nothing was written. `isSensitive`: it may not enter a table here or later. */
  add(name: string, value: string, isSensitive = false): boolean {
    const known = this.#names.get(name) ?? this.#name(name);
    if (!isSensitive) {
      const index = known.fixed.get(value);
      if (index !== undefined) {
        this.#indexed(index);
        return true;
      }
      const number = known.added.get(value);
      if (number !== undefined) {
        this.#indexed(staticFields.length + this.#table.added - number);
        return true;
      }
    }
    if (!isSendable(value)) return false;
    this.#literal(known, value, isSensitive);
    return true;
  }

  #indexed(index: number): void {
    if (index < 0x7f && this.length < shared.length) {
      shared[this.length] = 0x80 | index;
      this.length += 1;
      return;
    }
    this.#room(8);
    this.#integer(0x80, 0x7f, index);
  }

  #literal(name: Name, value: string, isSensitive: boolean): void {
    const isAdded = !isSensitive && name.last === value && value.length < this.#bytesMax / 2;
    if (!isSensitive) name.last = value;
    this.#room(name.lower.length + value.length + 16);
    const [first, mask] = isSensitive ? [0x10, 0x0f] : isAdded ? [0x40, 0x3f] : [0, 0x0f];
    this.#integer(first, mask, name.index);
    if (name.index === 0) this.#string(name.lower);
    this.#string(value);
    if (!isAdded) return;
    const before = this.#table.added;
    this.#table.add({ name: name.lower, value, kind: 0 });
    if (this.#table.added > before) {
      name.added.set(value, before);
      this.#entries.push([name, value]);
    }
    this.#forget();
  }

  /** Leaves out what the table has evicted. */
  #forget(): void {
    const gone = this.#entries.length - this.#table.count;
    for (const [name, value] of this.#entries.splice(0, gone)) name.added.delete(value);
  }

  #name(name: string): Name {
    const lower = name.toLowerCase();
    const found = this.#names.get(lower);
    const { index = 0, values = noValues } = fixedNames.get(lower) ?? {};
    const made = found ?? { lower, index, fixed: values, added: new Map<string, number>(), last: undefined };
    if (this.#names.size < encodedNamesMax) this.#names.set(name, made).set(lower, made);
    return made;
  }

  #string(text: string): void {
    this.#integer(0, 0x7f, text.length);
    this.length += shared.write(text, this.length, 'latin1');
  }

  #integer(first: number, mask: number, value: number): void {
    const block = shared;
    if (value < mask) {
      block[this.length++] = first | value;
      return;
    }
    block[this.length++] = first | mask;
    let rest = value - mask;
    for (; rest > 0x7f; rest >>>= 7) block[this.length++] = 0x80 | (rest & 0x7f);
    block[this.length++] = rest;
  }

  #room(bytes: number): void {
    if (this.length + bytes <= shared.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * shared.length, this.length + bytes));
    shared.copy(larger, 0, 0, this.length);
    shared = larger;
  }
}

function fixed(): ReadonlyMap<string, { index: number; values: Map<string, number> }> {
  const found = new Map<string, { index: number; values: Map<string, number> }>();
  staticFields.forEach(([name, value], at) => {
    const known = found.get(name) ?? { index: at + 1, values: new Map() };
    found.set(name, known);
    if (value !== '') known.values.set(value, at + 1);
  });
  return found;
}
