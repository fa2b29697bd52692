import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { coreText, type HeldCore, heldCore, type StaticCore } from '../../audit/index.ts';

/** A core that was written down. */
export interface WrittenCore extends HeldCore {
  /** Its JSON; the same string for the same core. */
  readonly text: string;
}

/** `text`: the core's JSON. */
export function writtenCore(core: StaticCore, text = coreText(core)): WrittenCore {
  return { ...heldCore(core, text), text };
}

/** Cores that are held at once, twice: what falls out is read from the file again. */
const coresHeldMax = 20_000;
/** Where every so many-th line of the file starts is known. */
const linesPerMark = 64;
const chunkBytes = 65_536;
const lineFeed = 10;

/** Cores by number, and numbers by text. */
class Shelf {
  readonly cores = new Map<number, WrittenCore>();
  readonly numbers = new Map<string, number>();
}

/**
 * Numbers for the static part of audit events: spool lines of HAProxy hold the number only. INVARIANT: a core is in its file
 * before HAProxy learns its number, so that a spool can be read after any crash; line n is core n. One book for each process of
 * HAProxy. Callers choose paths, so memory is bounded: the cores that were used last are held.
 */
export class CoreBook {
  readonly #path: string;
  readonly #heldMax: number;
  /** Byte offsets of the lines 1, 65, 129… */
  readonly #marks: number[] = [0];
  #recent = new Shelf();
  #former = new Shelf();
  #lines = 0;
  #bytes = 0;

  constructor(directory: string, worker: string, heldMax = coresHeldMax) {
    this.#path = join(directory, `haproxy-${worker}.cores`);
    this.#heldMax = heldMax;
    if (existsSync(this.#path)) this.#open();
  }

  get size(): number {
    return this.#lines;
  }

  /** Cores in memory. */
  get held(): number {
    return this.#recent.cores.size + this.#former.cores.size;
  }

  at(number: number): WrittenCore | undefined {
    const recent = this.#recent.cores.get(number);
    if (recent !== undefined) return recent;
    if (!Number.isInteger(number) || number < 1 || number > this.#lines) return undefined;
    return this.#hold(number, this.#former.cores.get(number) ?? this.#read(number));
  }

  /** The core's number; written down if it is new, or so old that it is no longer held. Throws the disk's error. */
  numberOf(core: StaticCore): number {
    const text = coreText(core);
    const known = this.#recent.numbers.get(text) ?? this.#former.numbers.get(text);
    if (known !== undefined) {
      this.at(known);
      return known;
    }
    const line = Buffer.from(`${this.#lines + 1}\t${text}\n`);
    try {
      appendFileSync(this.#path, line, { mode: 0o600 });
    } catch (error) {
      // A full disk may have taken a part of the line, which would move all that follow.
      if (existsSync(this.#path)) truncateSync(this.#path, this.#bytes);
      throw error;
    }
    this.#bytes += line.length;
    this.#count();
    this.#hold(this.#lines, writtenCore(core, text));
    return this.#lines;
  }

  #count(): void {
    this.#lines += 1;
    if (this.#lines % linesPerMark === 0) this.#marks.push(this.#bytes);
  }

  #hold(number: number, written: WrittenCore): WrittenCore {
    if (this.#recent.cores.size >= this.#heldMax) {
      this.#former = this.#recent;
      this.#recent = new Shelf();
    }
    this.#recent.cores.set(number, written);
    this.#recent.numbers.set(written.text, number);
    return written;
  }

  #read(number: number): WrittenCore {
    const mark = Math.floor((number - 1) / linesPerMark);
    const from = this.#marks[mark] ?? 0;
    const bytes = Buffer.alloc((this.#marks[mark + 1] ?? this.#bytes) - from);
    const file = openSync(this.#path, 'r');
    try {
      readSync(file, bytes, 0, bytes.length, from);
    } finally {
      closeSync(file);
    }
    const line = bytes.toString().split('\n')[(number - 1) % linesPerMark] ?? '';
    const text = line.slice(line.indexOf('\t') + 1);
    return writtenCore(JSON.parse(text) as StaticCore, text);
  }

  /** Finds where lines start. A last line without its end was never acknowledged: its number is free. */
  #open(): void {
    const chunk = Buffer.alloc(chunkBytes);
    const file = openSync(this.#path, 'r+');
    try {
      let read = 0;
      for (let offset = 0; ; offset += read) {
        read = readSync(file, chunk, 0, chunk.length, offset);
        if (read === 0) break;
        for (let at = chunk.indexOf(lineFeed); at >= 0 && at < read; at = chunk.indexOf(lineFeed, at + 1)) {
          this.#bytes = offset + at + 1;
          this.#count();
        }
      }
      ftruncateSync(file, this.#bytes);
    } finally {
      closeSync(file);
    }
  }
}

/** The books of a spool directory, by worker; opened when they are first asked for. */
export class CoreBooks {
  readonly #directory: string;
  readonly #books = new Map<string, CoreBook>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  of(worker: string): CoreBook {
    const known = this.#books.get(worker);
    if (known !== undefined) return known;
    const book = new CoreBook(this.#directory, worker);
    this.#books.set(worker, book);
    return book;
  }

  /** Deletes books whose spool is read to its end and gone. `living`: workers that may still write. */
  prune(living: ReadonlySet<string>): void {
    const names = new Set(readdirSync(this.#directory));
    for (const name of names) {
      const worker = /^haproxy-(.+)\.cores$/.exec(name)?.[1];
      if (worker === undefined || living.has(worker) || names.has(spoolName(worker))) continue;
      rmSync(join(this.#directory, name), { force: true });
      this.#books.delete(worker);
    }
  }
}

/** Name of the spool file of one process. One life, one file: see docs/decisions/0002-audit-spool.md. */
export function spoolName(worker: string): string {
  return `haproxy-${worker}-1.spool`;
}
