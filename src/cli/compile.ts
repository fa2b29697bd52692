import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isError, loadEngine } from '../control/index.ts';
import { renderTerminal } from '../diagnostics/index.ts';
import { type Plan, planText } from '../plan/index.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { compiledPlan, type FileOptions } from './files.ts';
import type { Terminal } from './terminal.ts';

export interface CompileOptions extends FileOptions {
  readonly out?: string;
}

/** `headgate compile`: the Plan to stdout, or with `--out` the engine's files and the Plan into a folder. */
export async function compile(options: CompileOptions, terminal: Terminal): Promise<ExitCode> {
  const plan = await compiledPlan(options, terminal);
  if (plan === undefined) return exitCodes.no;
  if (options.out === undefined) {
    terminal.out(planText(plan));
    return exitCodes.ok;
  }
  return writeRealization(plan, options.out, terminal);
}

async function writeRealization(plan: Plan, folder: string, terminal: Terminal): Promise<ExitCode> {
  const engine = await loadEngine(plan.engine);
  const refusals = await engine.check(plan);
  if (refusals.length > 0) terminal.err(renderTerminal(refusals, { colour: terminal.colour }));
  if (refusals.some(isError)) return exitCodes.no;
  const files = { 'plan.json': planText(plan), ...engine.realize(plan).files };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    terminal.out(`${path}\n`);
  }
  return exitCodes.ok;
}
