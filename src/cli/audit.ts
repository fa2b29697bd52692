import { stat } from 'node:fs/promises';
import { type AuditVerdict, type ReadOptions, readAudit, sentence, verifyAudit } from '../audit/index.ts';
import { parseDurationMs } from '../std/duration.ts';
import { boundEnvironment } from './bound-environment.ts';
import { counted } from './counted.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface AuditPlace {
  readonly environment: string;
  readonly directory?: string;
}

export interface AuditOptions extends AuditPlace {
  readonly follow?: boolean;
  readonly json?: boolean;
  /** A duration back from now, or a time. */
  readonly since?: string;
  readonly caller?: string;
  readonly model?: string;
  readonly rule?: string;
  readonly outcome?: string;
  readonly request?: string;
  readonly last?: string;
  readonly local?: boolean;
}

/** `headgate audit`: who called what, and why it was let through or not; one sentence a call. */
export async function audit(options: AuditOptions, terminal: Terminal, signal?: AbortSignal): Promise<ExitCode> {
  const directory = await auditDirectory(options);
  const events = readAudit(directory, readOptions(options, Date.now(), signal));
  let shown = 0;
  for await (const event of events) {
    shown += 1;
    const text = options.json ? JSON.stringify(event) : sentence(event, { local: options.local ?? false, date: true });
    terminal.out(`${text}\n`);
  }
  if (shown === 0 && !options.json) terminal.err(`headgate: no such calls in ${directory}\n`);
  return exitCodes.ok;
}

/** The audit's folder: as named, or as the environment says. Throws UsageError where there is none. */
export async function auditDirectory({ environment, directory }: AuditPlace): Promise<string> {
  const found = directory ?? (await boundEnvironment(environment)).audit.directory.value;
  const isFolder = await stat(found).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) return found;
  throw new UsageError(
    `there is no audit in ${found}`,
    'it begins with the first `headgate up`; --directory names another',
  );
}

function readOptions(options: AuditOptions, nowMs: number, signal: AbortSignal | undefined): ReadOptions {
  const { follow, caller, model, rule, request, since } = options;
  const outcome = outcomeOf(options.outcome);
  const last = lastOf(options);
  return {
    ...(follow && { follow }),
    ...(signal && { signal }),
    ...(since !== undefined && { sinceMs: sinceOf(since, nowMs) }),
    ...(caller !== undefined && { caller }),
    ...(model !== undefined && { model }),
    ...(rule !== undefined && { rule }),
    ...(outcome !== undefined && { outcome }),
    ...(request !== undefined && { requestId: request }),
    ...(last !== undefined && { last }),
  };
}

function outcomeOf(text: string | undefined): 'allow' | 'deny' | undefined {
  if (text === undefined || text === 'allow' || text === 'deny') return text;
  throw new UsageError(`--outcome ${text} is not an outcome`, 'it is allow or deny');
}

/** Following begins with the last few calls, as people know it from logs. */
function lastOf({ last, follow }: AuditOptions): number | undefined {
  if (last === undefined) return follow ? 10 : undefined;
  if (/^[0-9]{1,7}$/.test(last)) return Number(last);
  throw new UsageError(`--last ${last} is not a number`);
}

function sinceOf(text: string, nowMs: number): number {
  const backMs = parseDurationMs(text);
  if (backMs !== undefined) return nowMs - backMs;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs))
    throw new UsageError(`--since ${text} is not a time`, 'write it like 10m or 2026-11-21T22:30:00Z');
  return atMs;
}

/** `headgate audit verify`: whether the chain is whole. */
export async function auditVerify(
  place: AuditPlace & { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const directory = await auditDirectory(place);
  const verdict = await verifyAudit(directory);
  terminal.out(place.json ? `${JSON.stringify(verdict, null, 2)}\n` : verdictText(directory, verdict));
  return verdict.intact ? exitCodes.ok : exitCodes.no;
}

function verdictText(directory: string, verdict: AuditVerdict): string {
  const { intact, segments, calls, firstPosition, lastPosition, lastHash, workers, found, findings } = verdict;
  const lines = findings.map(({ severity, message, file, line }) => {
    const place = file === undefined ? '' : ` (${file}${line === undefined ? '' : `:${line}`})`;
    return `${severity}: ${message}${place}`;
  });
  if (found > findings.length) lines.push(`and ${found - findings.length} more findings`);
  lines.push(`${directory}: ${intact ? 'intact' : 'NOT intact'}`);
  if (lastPosition > 0) {
    lines.push(
      `  ${counted(calls, 'call')} by ${counted(workers, 'worker')} in ${counted(segments, 'segment')}, positions ${firstPosition} to ${lastPosition}`,
    );
    lines.push(`  last hash ${lastHash}: keep it elsewhere, and it proves later that nothing before it was changed`);
  } else lines.push('  no calls yet');
  return `${lines.join('\n')}\n`;
}
