import { writeFile } from 'node:fs/promises';
import { isError, lockFiles, readLock } from '../control/index.ts';
import { renderJson } from '../diagnostics/index.ts';
import { counted } from './counted.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { showDiagnostics } from './files.ts';
import { lockDifference } from './lock-difference.ts';
import type { Terminal } from './terminal.ts';

export interface LockOptions {
  readonly policy: string;
  readonly json?: boolean;
  /** Compare, write nothing. */
  readonly ci: boolean;
}

/** `headgate check --lock`: all environments beside the policy; writes `access.lock`, or in CI says where it is stale. */
export async function checkLock({ policy, json, ci }: LockOptions, terminal: Terminal): Promise<ExitCode> {
  const locked = await lockFiles(policy);
  const { text, lockFile, environments } = locked;
  const written = await readLock(lockFile);
  const difference = ci && text !== undefined ? lockDifference({ lockFile, written, expected: text }) : undefined;
  const diagnostics = [...locked.diagnostics, ...(difference === undefined ? [] : [difference])];
  const sources = new Map([...locked.sources, [lockFile, written ?? '']]);
  if (json) terminal.out(renderJson(diagnostics));
  else showDiagnostics({ diagnostics, sources }, terminal);
  if (text === undefined || diagnostics.some(isError)) return exitCodes.no;
  if (!ci && written !== text) await writeFile(lockFile, text);
  const what = ci ? 'is what the policy gives' : written === text ? 'was good already' : 'is written; read its diff';
  if (!json) terminal.out(`${lockFile} ${what} (${counted(environments.length, 'environment')})\n`);
  return exitCodes.ok;
}

/** Whether this is a run of continuous integration: GitHub, GitLab and most others set `CI=true`. */
export function isCi(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}
