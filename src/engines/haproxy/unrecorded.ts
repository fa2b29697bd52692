import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpoolParser, SpoolReader, UnrecordedCalls } from '../../audit/types.ts';
import { logFields } from './log-format.ts';

/** Name of the form, the first field of each line. */
const form = 'u1\t';

/** Findings of one run that wait for a disk that doesn't take them. */
const waitingMax = 1000;

/**
 * Writes into the spool what is known of calls that left no line themselves. Each finding is a file of its own, whole with one
 * write, so that it is chained and deleted as any spool file is.
 */
export class UnrecordedSpool {
  /** Calls of this run. */
  calls = 0;
  readonly #directory: string;
  readonly #life: string;
  readonly #log: (line: string) => void;
  readonly #waiting: UnrecordedCalls[] = [];
  #files = 0;

  constructor(directory: string, life: string, log: (line: string) => void) {
    this.#directory = directory;
    this.#life = life;
    this.#log = log;
  }

  add(found: UnrecordedCalls): void {
    this.calls += found.calls ?? 0;
    if (this.#waiting.length < waitingMax) this.#waiting.push(found);
    try {
      while (this.#waiting[0] !== undefined) {
        this.#files += 1;
        const path = join(this.#directory, `haproxy-${this.#life}.unrecorded-${this.#files}.spool`);
        appendFileSync(path, `${form}${JSON.stringify(this.#waiting[0])}\n`, { mode: 0o600 });
        this.#waiting.shift();
      }
    } catch (error) {
      this.#log(
        `haproxy: calls that left no line can't be recorded: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

/**
 * A parser that knows these lines besides those of `parse`. `onStatusless` hears of calls with a line and without a status, by
 * worker: HAProxy counts the end of none of them (a client that left after an interim answer).
 */
export function withUnrecorded(parse: SpoolParser, onStatusless: (worker: string) => void): SpoolReader {
  const read = (line: string): ReturnType<SpoolReader> => {
    if (line.startsWith(form)) return readUnrecorded(line);
    const call = parse(line);
    if ('core' in call && call.core.status === 0) {
      const fields = line.split('\t');
      // Without a core it wasn't even a request; -1 is a call that had no answer at all, and is counted.
      const isCall = /^\d/.test(fields[askedAt] ?? '') || /^\d/.test(fields[keptAt] ?? '');
      if (isCall && fields[statusAt] === '0') onStatusless(fields[1] ?? '');
    }
    return call;
  };
  // A plain line has a status.
  return parse.plain === undefined ? read : Object.assign(read, { plain: parse.plain });
}

/** Behind the name of the form and the worker. */
const [statusAt = 0, askedAt = 0, keptAt = 0] = (['status', 'askedCore', 'keptCore'] as const).map(
  (name) => logFields.indexOf(name) + 2,
);

function readUnrecorded(line: string): ReturnType<SpoolReader> {
  const found = JSON.parse(line.slice(form.length)) as UnrecordedCalls;
  const isSound = Number.isSafeInteger(found.timeMs) && Array.isArray(found.listeners);
  return isSound ? { unrecorded: found } : { unreadable: `not a line of the form ${form.trim()}` };
}
