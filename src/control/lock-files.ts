import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { accessLock, lockLinesMax } from '../compile/index.ts';
import type { Diagnostic } from '../diagnostics/index.ts';
import type { Plan } from '../plan/types.ts';
import { compileFiles } from './compile-files.ts';
import { ControlFault, messageOf, systemCode } from './fault.ts';
import { isError } from './reload.ts';

/** What a policy gives in all of its environments. */
export interface LockedFiles {
  /** undefined: errors stand in its way. */
  readonly text: string | undefined;
  /** The lock beside the policy. */
  readonly lockFile: string;
  readonly environments: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

/** Compiles the policy with every file of `environments/` beside it. Throws `file-unreadable`. */
export async function lockFiles(policyFile: string): Promise<LockedFiles> {
  const folder = join(dirname(policyFile), 'environments');
  const files = (await namesIn(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const sources = new Map<string, string>();
  const diagnostics = new Map<string, Diagnostic>();
  const plans: { readonly file: string; readonly plan: Plan }[] = [];
  const add = (each: Diagnostic) => diagnostics.set(JSON.stringify(each), each);
  for (const name of files) {
    const file = join(folder, name);
    const compiled = await compileFiles({ policyFile, environmentFile: file });
    for (const [source, text] of compiled.sources) sources.set(source, text);
    // What is wrong with the policy itself is found in each of them, and told once.
    compiled.diagnostics.forEach(add);
    const before = plans.find(({ plan }) => plan.environment === compiled.plan?.environment);
    if (before !== undefined && compiled.plan !== undefined) add(twice(before.file, file, compiled.plan.environment));
    else if (compiled.plan !== undefined) plans.push({ file, plan: compiled.plan });
  }
  if (files.length === 0) throw new ControlFault('file-unreadable', `there is no environment in ${folder}`);
  const isWhole = ![...diagnostics.values()].some(isError);
  const text = isWhole ? accessLock(plans.map(({ plan }) => plan)) : undefined;
  if (isWhole && text === undefined) add(tooLong);
  const lockFile = join(dirname(policyFile), 'access.lock');
  return {
    text,
    lockFile,
    environments: files.map((name) => basename(name)),
    diagnostics: [...diagnostics.values()],
    sources,
  };
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause) => {
    if (systemCode(cause) === 'ENOENT') return [];
    throw new ControlFault('file-unreadable', `can't read ${folder}: ${messageOf(cause)}`, { cause });
  });
}

function twice(first: string, second: string, environment: string): Diagnostic {
  const message = `${first} and ${second} are both environment \`${environment}\``;
  return { code: 'HG2082', severity: 'error', message, hint: 'give each file a name of its own' };
}

const tooLong: Diagnostic = {
  code: 'HG2081',
  severity: 'error',
  message: `the access that these rules give takes more than ${lockLinesMax} lines to list`,
  hint: 'name fewer callers one by one: let the identity provider hold them in a group',
};

/** The lock as it stands; undefined: there is none. */
export async function readLock(lockFile: string): Promise<string | undefined> {
  return readFile(lockFile, 'utf8').catch((cause) => {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw new ControlFault('file-unreadable', `can't read ${lockFile}: ${messageOf(cause)}`, { cause });
  });
}
