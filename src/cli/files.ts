import type { Command } from 'commander';
import { type CompiledFiles, compileFiles, engineNames, type Files } from '../control/index.ts';
import { renderTerminal } from '../diagnostics/index.ts';
import type { EngineName, Plan } from '../plan/types.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const defaultPolicy = 'headgate.yaml';
export const defaultEnvironment = 'environments/dev.yaml';

export interface FileOptions {
  readonly policy: string;
  readonly environment: string;
  readonly engine?: string;
}

/** Gives a command `--policy`, `--environment` and `--engine`. */
export function withFiles(command: Command): Command {
  return withEnvironment(command.option('-p, --policy <file>', 'the policy', defaultPolicy)).option(
    '--engine <name>',
    `the engine, whatever the environment says: ${engineNames.join(', ')}`,
  );
}

/** Gives a command `--environment`. */
export function withEnvironment(command: Command): Command {
  return command.option(
    '-e, --environment <name or file>',
    'the environment: a file, or its name in environments/',
    defaultEnvironment,
  );
}

/** `staging` → `environments/staging.yaml`; what looks like a file is one. */
export function environmentFile(named: string): string {
  return /[/\\]|\.ya?ml$/.test(named) ? named : `environments/${named}.yaml`;
}

export function filesOf({ policy, environment, engine }: FileOptions): Files {
  return { policyFile: policy, environmentFile: environmentFile(environment), engine: engineOf(engine) };
}

function engineOf(name: string | undefined): EngineName | undefined {
  const engine = engineNames.find((each) => each === name);
  if (name !== undefined && engine === undefined) {
    throw new UsageError(`there is no engine ${name}`, `it is one of ${engineNames.join(', ')}`);
  }
  return engine;
}

/** Compiles, shows what was found, and returns the Plan where there is one. */
export async function compiledPlan(options: FileOptions, terminal: Terminal): Promise<Plan | undefined> {
  const compiled = await compileFiles(filesOf(options));
  showDiagnostics(compiled, terminal);
  return compiled.plan;
}

export function showDiagnostics(
  { diagnostics, sources }: Pick<CompiledFiles, 'diagnostics' | 'sources'>,
  terminal: Terminal,
): void {
  if (diagnostics.length > 0) terminal.err(renderTerminal(diagnostics, { sources, colour: terminal.colour }));
}
