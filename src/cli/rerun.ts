import { type Stamps, stampsOf, watchFiles } from '../control/index.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { faultText } from './fault-text.ts';
import type { Terminal } from './terminal.ts';

export interface Rerun {
  /** The files to look at, found out anew before each run. */
  readonly files: () => Promise<readonly string[]>;
  readonly once: () => Promise<ExitCode>;
  readonly terminal: Terminal;
  /** Ends it. Default: SIGINT and SIGTERM. */
  readonly signal?: AbortSignal;
}

/** `--watch`: runs, and again whenever a file has changed, until it is told to end. The exit code is the last run's. */
export async function rerun({ files, once, terminal, signal = untilTold() }: Rerun): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  while (!signal.aborted) {
    const watched = await files();
    const since = await stampsOf(watched);
    code = await runOnce(once, terminal);
    terminal.err(`headgate: waiting for a change of ${watched.length} files; Ctrl-C ends\n`);
    await changeOf(since, signal);
    if (!signal.aborted) terminal.err('\n');
  }
  return code;
}

/** A file that is gone for a moment, or a fault, is told, and the watching goes on. */
async function runOnce(once: Rerun['once'], terminal: Terminal): Promise<ExitCode> {
  try {
    return await once();
  } catch (fault) {
    const { text, code } = faultText(fault);
    terminal.err(text);
    return code;
  }
}

/** Looking does not keep a process alive; waiting for a change does. */
const aliveMs = 60_000;

async function changeOf(since: Stamps, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => undefined, aliveMs);
  const onChange = async (): Promise<undefined> => {
    resolve();
    return undefined;
  };
  const stop = watchFiles({ since, onChange });
  const end = (): void => resolve();
  signal.addEventListener('abort', end, { once: true });
  await promise;
  signal.removeEventListener('abort', end);
  stop();
  clearInterval(alive);
}

function untilTold(): AbortSignal {
  const told = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => told.abort());
  return told.signal;
}
