import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type SpoolCall, spoolLine } from '../../audit/index.ts';

/**
 * The worker's spool file. Lines of one turn of the event loop are written together, and what waits for a line (the last
 * byte of its answer) goes on after `write(2)` has returned.
 */
export class Spool {
  readonly #descriptor: number;
  #lines = '';
  #waiting: ((written: boolean) => void)[] = [];
  #sequence = 0;

  constructor(directory: string, worker: string) {
    mkdirSync(directory, { recursive: true });
    this.#descriptor = openSync(join(directory, `embedded-${worker}-1.spool`), 'a', 0o600);
  }

  /** Adds the line of one call; `then` runs once it is written, with false where it could not be. */
  add(call: Omit<SpoolCall, 'sequence'>, core: string, then: (written: boolean) => void): void {
    this.#sequence += 1;
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += spoolLine({ ...call, sequence: this.#sequence }, core);
    this.#waiting.push(then);
  }

  flush(): void {
    const [lines, waiting] = [this.#lines, this.#waiting];
    [this.#lines, this.#waiting] = ['', []];
    const written = this.#write(lines);
    for (const then of waiting) then(written);
  }

  close(): void {
    this.flush();
    closeSync(this.#descriptor);
  }

  #write(lines: string): boolean {
    try {
      const bytes = Buffer.from(lines);
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
      return true;
    } catch {
      // The disk is full or gone: whoever waits learns it, and the audit writer reports it.
      return false;
    }
  }
}
