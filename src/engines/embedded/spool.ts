import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type SpoolCall, spoolLine } from '../../audit/index.ts';
import { spoolFileBytesMax, spoolHeldBytesMax, spoolRetryMs } from './limits.ts';

/** Who waits for a line to be written before the last byte of an answer goes. */
export interface Waiting {
  /** `written` false: the disk didn't take it. It is tried again, but nobody can say when. */
  recorded(written: boolean): void;
}

/** Where the lines of calls go. */
export interface AuditLines {
  /** Lines are held that the disk has not taken. */
  readonly isFailing: boolean;
  add(call: Omit<SpoolCall, 'sequence' | 'worker'>, core: string, waiting: Waiting): void;
  /** A line that nobody waits for. */
  note(line: string): void;
}

export interface SpoolOptions {
  readonly directory: string;
  /** Names this life of this worker. */
  readonly worker: string;
  readonly log: (line: string) => void;
  /** Default: `spoolFileBytesMax`. */
  readonly fileBytesMax?: number;
  /** Default: `spoolHeldBytesMax`. */
  readonly heldBytesMax?: number;
  /** Writes from an offset on, returns the count. Default: `write(2)`. */
  readonly write?: (file: number, bytes: Buffer, at: number) => number;
}

/**
 * The worker's spool. The lines of one turn of the event loop are one `write(2)`, and then who waits for them goes on.
 * Lines that the disk doesn't take are held, bounded, and tried again; what is over is lost, and the sequence shows the gap.
 */
export class Spool implements AuditLines {
  readonly #options: SpoolOptions;
  #file = -1;
  #fileNumber = 0;
  #fileBytes = 0;
  #lines = '';
  #waiting: Waiting[] = [];
  #held: Buffer = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #sequence = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o750 });
    this.#open();
  }

  /** Lines are held that the disk has not taken. */
  get isFailing(): boolean {
    return this.#held.length > 0;
  }

  add(call: Omit<SpoolCall, 'sequence' | 'worker'>, core: string, waiting: Waiting): void {
    this.#sequence += 1;
    this.#lines += spoolLine({ ...call, worker: this.#options.worker, sequence: this.#sequence }, core);
    this.#waiting.push(waiting);
    this.#schedule();
  }

  note(line: string): void {
    this.#lines += line;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  /** Writes what is there. */
  flush(): void {
    this.#flush();
  }

  close(): void {
    this.#flush();
    clearTimeout(this.#retry);
    closeSync(this.#file);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const [lines, waiting] = [this.#lines, this.#waiting];
    [this.#lines, this.#waiting] = ['', []];
    const written = lines === '' || this.#write(Buffer.from(lines));
    for (const each of waiting) each.recorded(written);
  };

  #write(bytes: Buffer): boolean {
    if (this.isFailing) {
      this.#hold(bytes);
      return false;
    }
    let at = 0;
    try {
      while (at < bytes.length) at += (this.#options.write ?? writeSync)(this.#file, bytes, at);
      this.#fileBytes += at;
      if (this.#fileBytes >= (this.#options.fileBytesMax ?? spoolFileBytesMax)) this.#open();
      return true;
    } catch (error) {
      this.#fileBytes += at;
      // Nothing is left to be written where only the next file could not be opened: this one goes on.
      if (at === bytes.length) return true;
      this.#options.log(`the audit spool takes no lines: ${error instanceof Error ? error.message : String(error)}`);
      this.#hold(bytes.subarray(at));
      return false;
    }
  }

  #hold(bytes: Buffer): void {
    if (this.#held.length + bytes.length <= (this.#options.heldBytesMax ?? spoolHeldBytesMax))
      this.#held = Buffer.concat([this.#held, bytes]);
    else this.#options.log('audit lines are lost: the disk takes none and the memory for them is full');
    this.#retry ??= setTimeout(() => this.#tryAgain(), spoolRetryMs).unref();
  }

  #tryAgain(): void {
    this.#retry = undefined;
    const bytes = this.#held;
    this.#held = Buffer.alloc(0);
    if (this.#write(bytes)) this.#options.log('the audit spool takes lines again');
  }

  /** Opened before the one before it is closed: a failure leaves that one in use. */
  #open(): void {
    const { directory, worker } = this.#options;
    const name = `embedded-${worker}-${this.#fileNumber + 1}.spool`;
    const file = openSync(join(directory, name), 'a', 0o640);
    if (this.#file !== -1) closeSync(this.#file);
    this.#file = file;
    this.#fileNumber += 1;
    this.#fileBytes = 0;
  }
}
