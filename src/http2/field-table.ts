import { defaultTableBytes } from './codes.ts';
import { kindOf } from './field-kind.ts';
import { staticFields } from './static-table.ts';

/** A field of a table, or of a block. */
export interface Entry {
  readonly name: string;
  readonly value: string;
  /** What it is to its message: `field-kind.ts`. */
  readonly kind: number;
}

/** RFC 7541, section 4.1: what an entry counts besides its characters. */
export const entryBytes = 32;
export const sizeOf = (name: string, value: string): number => name.length + value.length + entryBytes;
/** Of the static table; indices of the dynamic table begin after it. */
export const staticCount = staticFields.length;

const staticEntries: readonly Entry[] = staticFields.map(([name, value]) => ({
  name,
  value,
  kind: kindOf(name, value),
}));

/** The dynamic table of one direction (RFC 7541, section 2.3.2), with the static one before it. */
export class FieldTable {
  /** Counts up with every change: what was decoded before may not mean the same any more. */
  version = 0;
  /** Entries that were ever added. */
  #added = 0;
  #entries: (Entry | undefined)[] = new Array(32);
  #count = 0;
  #bytes = 0;
  #bytesMax = defaultTableBytes;

  /** By index, undefined where there is none. An empty value of the static table stands for a name alone. */
  at(index: number): Entry | undefined {
    if (index <= staticCount) return staticEntries[index - 1];
    const age = index - staticCount - 1;
    if (age >= this.#count) return undefined;
    return this.#entries[(this.#added - 1 - age) & (this.#entries.length - 1)];
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evict(0);
  }

  add(entry: Entry): void {
    const bytes = sizeOf(entry.name, entry.value);
    this.#evict(bytes);
    // An entry that is larger than the table empties it (section 4.4).
    if (bytes > this.#bytesMax) return;
    if (this.#count === this.#entries.length) this.#grow();
    this.#entries[this.#added & (this.#entries.length - 1)] = entry;
    this.#added += 1;
    this.version += 1;
    this.#count += 1;
    this.#bytes += bytes;
  }

  get added(): number {
    return this.#added;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes room. */
  #evict(bytes: number): void {
    while (this.#count > 0 && this.#bytes + bytes > this.#bytesMax) {
      const at = (this.#added - this.#count) & (this.#entries.length - 1);
      const { name, value } = this.#entries[at] as Entry;
      this.#entries[at] = undefined;
      this.#count -= 1;
      this.version += 1;
      this.#bytes -= sizeOf(name, value);
    }
  }

  #grow(): void {
    const before = this.#entries;
    const after: (Entry | undefined)[] = new Array(2 * before.length);
    for (let age = 0; age < this.#count; age += 1) {
      const number = this.#added - 1 - age;
      after[number & (after.length - 1)] = before[number & (before.length - 1)];
    }
    this.#entries = after;
  }
}
