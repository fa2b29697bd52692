import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { filesNamedBy, messageOf, systemCode, withAttached } from '../control/index.ts';
import type { Checked, Diagnostic } from '../diagnostics/index.ts';
import {
  type Environment,
  type Policy,
  type PolicyTests,
  parseEnvironment,
  parsePolicy,
  parseTests,
} from '../policy/index.ts';
import { policyBytesMax } from '../std/limits.ts';
import { UsageError } from './usage-error.ts';

/** Where `headgate test` looks. */
export interface TestPlaces {
  readonly policy: string;
  readonly tests: string;
  /** Folder of environments, one file each. It need not be there. */
  readonly environments: string;
}

/** `headgate.yaml` has `headgate.test.yaml` and `environments/` beside it. */
export function testPlaces(policy: string, tests: string | undefined): TestPlaces {
  const folder = dirname(policy);
  const beside = join(folder, `${basename(policy).replace(/\.ya?ml$/, '')}.test.yaml`);
  return { policy, tests: tests ?? beside, environments: join(folder, 'environments') };
}

/** All files that a run reads, and the folder, so that a new environment is seen too. */
export async function filesToWatch({ policy, tests, environments }: TestPlaces): Promise<readonly string[]> {
  return [policy, tests, environments, ...(await environmentFiles(environments)), ...(await filesNamedBy(policy))];
}

/** Everything read, as far as it could be. */
export interface ReadTests {
  readonly policy: Policy | undefined;
  readonly tests: PolicyTests | undefined;
  readonly environments: ReadonlyMap<string, Environment>;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

/** Reads policy, tests, and the environments beside them that have a name of these tests. Throws UsageError. */
export async function readTestFiles(places: TestPlaces): Promise<ReadTests> {
  const sources = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const take = <T>({ value, diagnostics: found }: Checked<T>): T | undefined => {
    diagnostics.push(...found);
    return value;
  };
  const read = async (file: string, what: string, hint: string): Promise<string> => {
    const text = await readText(file, what, hint);
    sources.set(file, text);
    return text;
  };
  const policy = parsePolicy(await read(places.policy, 'policy', '--policy names the policy file'), places.policy);
  const testsHint = '--tests names the file of tests; docs/tests.md says how to write one';
  const tests = take(parseTests(await read(places.tests, 'tests', testsHint), places.tests));
  // Warnings of a policy are for `check`: here they would stand before every result.
  const taken = take({ ...policy, diagnostics: policy.diagnostics.filter(isError) });
  const value = taken && (await withAttached(taken, places.policy)).policy;
  const asked = new Set(tests?.tests.flatMap((test) => test.in.map((each) => each.value)));
  const environments = new Map<string, Environment>();
  for (const file of await environmentFiles(places.environments)) {
    const name = basename(file).replace(/\.ya?ml$/, '');
    if (!asked.has(name)) continue;
    const parsed = parseEnvironment(await read(file, 'environment', 'it stands beside the policy'), file);
    const environment = take({ ...parsed, diagnostics: parsed.diagnostics.filter(isError) });
    if (environment !== undefined) environments.set(environment.name.value, environment);
  }
  return { policy: value, tests, environments, diagnostics, sources };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

async function environmentFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

async function readText(file: string, what: string, hint: string): Promise<string> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new Error('not a file');
    if (found.size > policyBytesMax) throw new Error(`larger than ${policyBytesMax} bytes`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = systemCode(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause);
    throw new UsageError(`can't read the ${what} ${file}: ${why}`, hint);
  }
}
