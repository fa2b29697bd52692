import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { counterOf } from './open-calls.ts';
import { openedLogLine } from './opened-line.ts';
import type { OpenedCall } from './stream-watch.ts';

/**
 * Writes into the spool which calls are open. Those of one look are a file of their own, whole with one write, so that it is chained and
 * deleted as any spool file is.
 */
export class OpenedSpool {
  readonly #directory: string;
  readonly #life: string;
  readonly #log: (line: string) => void;
  #files = 0;

  constructor(directory: string, life: string, log: (line: string) => void) {
    this.#directory = directory;
    this.#life = life;
    this.#log = log;
  }

  add(calls: readonly OpenedCall[]): void {
    this.#files += 1;
    const lines = calls.map(({ requestId, worker, address, trace, sinceMs, held: { listener, core } }) =>
      openedLogLine({
        worker,
        listener,
        counter: counterOf(requestId),
        timeMs: sinceMs,
        address,
        trace: trace || '-',
        core,
      }),
    );
    const path = join(this.#directory, `haproxy-${this.#life}.opened-${this.#files}.spool`);
    try {
      appendFileSync(path, lines.join(''), { mode: 0o600 });
    } catch (error) {
      this.#log(`haproxy: open calls can't be recorded: ${error instanceof Error ? error.message : error}`);
    }
  }
}
