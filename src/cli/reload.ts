import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, type HeadgateStatus, readFiles } from '../control/index.ts';
import { parseDurationMs } from '../std/duration.ts';
import { adminAddress, askStatus } from './ask-admin.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type FileOptions, filesOf } from './files.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface ReloadOptions extends FileOptions {
  /** `host:port`; default: what the environment says. */
  readonly admin?: string;
  /** How long the gateway may take. */
  readonly within: string;
}

/** Between two questions. */
const lookMs = 100;

/**
 * `headgate reload`: waits until the gateway at work has taken up what both files say now, or has refused it. The gateway sees
 * changes by itself; this says when, and what became of them: exit code 0 in force, 1 refused (the policy from before stays), 3 the
 * gateway can't be reached or has not looked in time.
 */
export async function reload(options: ReloadOptions, terminal: Terminal): Promise<ExitCode> {
  const withinMs = parseDurationMs(options.within);
  if (withinMs === undefined)
    throw new UsageError(`--within ${options.within} is not a duration`, 'write it like 10s or 1m');
  const wanted = digestOf(await readFiles(filesOf(options)));
  const address = await adminAddress(options);
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const status = await askStatus(address);
    if (status.filesRead === wanted) return said(status, terminal);
    if (performance.now() >= untilMs) return late(status, { options, terminal });
    await sleep(lookMs);
  }
}

function said({ reload: last, epoch }: HeadgateStatus, terminal: Terminal): ExitCode {
  if (last?.outcome === 'rejected') {
    terminal.err(`headgate: ${last.message}\n`);
    for (const { code, message, span } of last.diagnostics) {
      terminal.err(`  ${code} ${message}${span === undefined ? '' : ` (${span.file}:${span.line})`}\n`);
    }
    terminal.err('  `headgate check` shows all of it in its place\n');
    return exitCodes.no;
  }
  terminal.out(
    `headgate: what the files say is in force, epoch ${epoch}${last === undefined ? '' : `: ${last.message}`}\n`,
  );
  return exitCodes.ok;
}

function late(
  { policyFile, environmentFile }: HeadgateStatus,
  { options, terminal }: { readonly options: ReloadOptions; readonly terminal: Terminal },
): ExitCode {
  terminal.err(
    `headgate: the gateway has not read these files within ${options.within}; it runs on ${policyFile} with ${environmentFile}\n`,
  );
  return exitCodes.failed;
}
