import { type RunningHeadgate, startHeadgate, version } from '../control/index.ts';
import { parseDurationMs } from '../std/duration.ts';
import { printHostPort } from '../std/host-port.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type FileOptions, filesOf } from './files.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface UpOptions extends FileOptions {
  readonly grace: string;
}

/**
 * `headgate up`: runs until it is told to end (SIGTERM, SIGINT), then drains; a second signal ends it at once. SIGHUP: reads the files
 * and certificates again.
 */
export async function up(options: UpOptions, terminal: Terminal): Promise<ExitCode> {
  const graceMs = parseDurationMs(options.grace);
  if (graceMs === undefined)
    throw new UsageError(`--grace ${options.grace} is not a duration`, 'write it like 10s or 1m');
  const log = (line: string): void => terminal.err(`${line.trimEnd()}\n`);
  const signals = listenForSignals();
  const headgate = await startHeadgate({ ...filesOf(options), log });
  signals.onReload(() => void headgate.reload());
  terminal.out(readyText(headgate));
  const ended = await Promise.race([signals.first, headgate.failed]);
  const failed = ended instanceof Error;
  if (failed) terminal.err(`headgate: ${ended.message}\n`);
  else terminal.err(`headgate: ${ended}, draining for at most ${options.grace}; once more ends at once\n`);
  signals.endAtOnce();
  await headgate.stop(graceMs);
  terminal.err('headgate: ended\n');
  return failed ? exitCodes.failed : exitCodes.ok;
}

function readyText(headgate: RunningHeadgate): string {
  const { addresses, admin } = headgate;
  const { environment, engine, epoch, listeners, audit } = headgate.plan();
  const lines = listeners.map(({ name, address, tls }) => {
    const url = `${tls === undefined ? 'http' : 'https'}://${printHostPort(addresses[name] ?? address)}`;
    return [`listener ${name}`, url];
  });
  const table = [
    ...lines,
    ['admin', `http://${printHostPort(admin)}`],
    ['audit', `${audit.directory}, ${audit.record}`],
  ];
  const width = Math.max(...table.map(([name = '']) => name.length));
  return [
    `headgate ${version}: environment ${environment} on the ${engine} engine, epoch ${epoch}`,
    ...table.map(([name = '', value = '']) => `  ${name.padEnd(width)}  ${value}`),
    'headgate: ready\n',
  ].join('\n');
}

interface Signals {
  readonly first: Promise<NodeJS.Signals>;
  /** Called for each SIGHUP, which before that is let pass. */
  onReload(then: () => void): void;
  /** From now on a signal ends the process. */
  endAtOnce(): void;
}

function listenForSignals(): Signals {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let ending = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending) process.exit(exitCodes.failed);
    resolve(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let reread = (): void => undefined;
  process.on('SIGHUP', () => reread());
  return {
    first: promise,
    onReload(then) {
      reread = then;
    },
    endAtOnce() {
      ending = true;
    },
  };
}
