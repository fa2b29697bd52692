import { compileFiles, type Files, filesNamedBy, isError, loadEngine } from '../control/index.ts';
import { type Diagnostic, renderJson } from '../diagnostics/index.ts';
import type { Plan } from '../plan/types.ts';
import { checkLock, isCi } from './check-lock.ts';
import { assistedNotes, healthLines } from './check-notes.ts';
import { counted } from './counted.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type FileOptions, filesOf, showDiagnostics } from './files.ts';
import { rerun } from './rerun.ts';
import type { Terminal } from './terminal.ts';

export interface CheckOptions extends FileOptions {
  readonly json?: boolean;
  /** `access.lock` instead: all environments beside the policy. */
  readonly lock?: boolean;
  /** Write nothing, compare; left out: what the variable `CI` says. */
  readonly ci?: boolean;
  readonly watch?: boolean;
}

/** `headgate check`: all mistakes of both files, and what the engine can't do of them. */
export async function check(options: CheckOptions, terminal: Terminal, signal?: AbortSignal): Promise<ExitCode> {
  if (options.lock) return checkLock({ ...options, ci: options.ci ?? isCi(process.env.CI) }, terminal);
  const files = filesOf(options);
  const once = (): Promise<ExitCode> => checkOnce(files, options, terminal);
  if (!options.watch) return once();
  const watched = async () => [files.policyFile, files.environmentFile, ...(await filesNamedBy(files.policyFile))];
  return rerun({ files: watched, once, terminal, ...(signal && { signal }) });
}

async function checkOnce(files: Files, options: CheckOptions, terminal: Terminal): Promise<ExitCode> {
  const { plan, diagnostics: found, sources } = await compileFiles(files);
  const told = plan === undefined ? [] : await engineSays(plan);
  const diagnostics = [...found, ...told];
  const bad = diagnostics.some(isError);
  if (options.json) {
    terminal.out(renderJson(diagnostics));
  } else {
    showDiagnostics({ diagnostics, sources }, terminal);
    if (plan !== undefined && !bad) terminal.out(`${summary(files.policyFile, files.environmentFile, plan)}\n`);
  }
  return bad ? exitCodes.no : exitCodes.ok;
}

/** What the engine can't do of it, or else what it has done by another. */
async function engineSays(plan: Plan): Promise<readonly Diagnostic[]> {
  const engine = await loadEngine(plan.engine);
  const refusals = await engine.check(plan);
  return refusals.some(isError) ? refusals : [...refusals, ...assistedNotes(engine, plan)];
}

function summary(policy: string, environment: string, plan: Plan): string {
  const rules = plan.access.rules.length;
  const { services } = plan.access;
  const models = services.reduce((count, service) => count + service.models.length, 0);
  const described = services.filter(({ hasDescriptors }) => hasDescriptors);
  const methods = described.reduce((count, service) => count + Object.keys(service.methods ?? {}).length, 0);
  const counts = [
    counted(services.length, 'service'),
    ...(models === 0 && described.length > 0 ? [] : [counted(models, 'model')]),
    ...(described.length === 0 ? [] : [counted(methods, 'method')]),
  ];
  return [
    `${policy} with ${environment}: good`,
    `  ${counted(rules, 'rule')} in ${plan.environment}, ${counts.join(', ')}; ${plan.engine} engine; epoch ${plan.epoch}`,
    `  ${exposure(plan.audit.record)}`,
    ...healthLines(plan).map((line) => `  ${line}`),
  ].join('\n');
}

/** What a failing audit means, so that nobody learns it from an incident. */
function exposure(record: 'required' | 'best-effort'): string {
  return record === 'required'
    ? 'audit required: if records can no longer be kept, calls are refused within about a second; calls in that second may go unrecorded'
    : 'audit best-effort: if records can no longer be kept, calls go on unrecorded and the loss is counted';
}
