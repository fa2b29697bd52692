import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { coreText, type StaticCore } from '../../audit/index.ts';

/** A core that was written down. */
export interface WrittenCore {
  readonly core: StaticCore;
  /** Its JSON; the same string for the same core. */
  readonly text: string;
}

/**
 * Numbers for the static part of audit events: spool lines of HAProxy hold the number only. INVARIANT: a core is in its file
 * before HAProxy learns its number, so that a spool can be read after any crash. One book for each process of HAProxy.
 */
export class CoreBook {
  readonly #path: string;
  readonly #byNumber = new Map<number, WrittenCore>();
  readonly #numbers = new Map<string, number>();

  constructor(directory: string, worker: string) {
    this.#path = join(directory, `haproxy-${worker}.cores`);
    if (existsSync(this.#path)) this.#load();
  }

  get size(): number {
    return this.#byNumber.size;
  }

  at(number: number): WrittenCore | undefined {
    return this.#byNumber.get(number);
  }

  /** The core's number; written down if it is new. Throws the disk's error. */
  numberOf(core: StaticCore): number {
    const text = coreText(core);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#byNumber.size + 1;
    appendFileSync(this.#path, `${number}\t${text}\n`, { mode: 0o600 });
    this.#remember(number, text);
    return number;
  }

  #load(): void {
    // A last line without its end was never acknowledged: its number is free.
    for (const line of readFileSync(this.#path, 'utf8').split('\n').slice(0, -1)) {
      const tab = line.indexOf('\t');
      const number = Number(line.slice(0, tab));
      if (number === this.#byNumber.size + 1) this.#remember(number, line.slice(tab + 1));
    }
  }

  #remember(number: number, text: string): void {
    this.#byNumber.set(number, { core: JSON.parse(text) as StaticCore, text });
    this.#numbers.set(text, number);
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
