import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { compile } from '../compile/index.ts';
import type { Checked, Diagnostic } from '../diagnostics/index.ts';
import type { EngineName, Plan } from '../plan/types.ts';
import { type Policy, parseEnvironment, parsePolicy } from '../policy/index.ts';
import { policyBytesMax } from '../std/limits.ts';
import { attachedPaths, withAttached } from './attached-files.ts';
import { ControlFault, messageOf, systemCode } from './fault.ts';
import { type Stamps, stampsOf } from './watch.ts';

export interface Files {
  readonly policyFile: string;
  readonly environmentFile: string;
  /** Overrides the environment's engine. */
  readonly engine?: EngineName | undefined;
}

/** What both files came to: a Plan, or diagnostics that stand in its way. Warnings can stand beside a Plan. */
export interface CompiledFiles {
  readonly plan: Plan | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Text by file, so that a diagnostic can show its line. */
  readonly sources: ReadonlyMap<string, string>;
  /** SHA-256 of all texts, hexadecimal: whoever has the same files has the same. */
  readonly digest: string;
  /** Every file that was read, as it was before. */
  readonly stamps: Stamps;
}

/** Reads, parses and compiles both files; all their mistakes at once. Throws `file-unreadable`. */
export async function compileFiles(files: Files): Promise<CompiledFiles> {
  const texts = await readFiles(files);
  return compileTexts(texts, files.engine);
}

export interface NamedText {
  readonly file: string;
  readonly text: string;
}

export interface Texts {
  readonly policy: NamedText;
  readonly environment: NamedText;
  /** The policy as it was read, with what stands in the files that it names. */
  readonly parsed: Checked<Policy>;
  readonly stamps: Stamps;
}

/** Reads both files, and those that the policy names. Throws `file-unreadable`. */
export async function readFiles({ policyFile, environmentFile }: Files): Promise<Texts> {
  const stamps = await stampsOf([policyFile, environmentFile]);
  const policy = { file: policyFile, text: await readText(policyFile, 'policy', '--policy') };
  const environment = { file: environmentFile, text: await readText(environmentFile, 'environment', '--environment') };
  const parsed = parsePolicy(policy.text, policy.file);
  if (parsed.value === undefined) return { policy, environment, parsed, stamps };
  const whole = await withAttached(parsed.value, policyFile);
  return {
    policy,
    environment,
    parsed: { ...parsed, value: whole.policy },
    stamps: new Map([...stamps, ...whole.stamps]),
  };
}

/** The files that a policy names, for whoever watches them; none where it can't be read, which is for others to say. */
export async function filesNamedBy(policyFile: string): Promise<readonly string[]> {
  const text = await readText(policyFile, 'policy', '--policy').catch(() => '');
  const { value } = parsePolicy(text, policyFile);
  return value === undefined ? [] : [...attachedPaths(value, policyFile).values()];
}

/** Parses and compiles; where a file is broken, what can be said of the other is said too. */
export function compileTexts(texts: Texts, engine: EngineName | undefined): CompiledFiles {
  const { policy, environment, parsed, stamps } = texts;
  const bindings = parseEnvironment(environment.text, environment.file);
  const found = [...parsed.diagnostics, ...bindings.diagnostics];
  const sources = new Map([policy, environment].map(({ file, text }) => [file, text]));
  const digest = digestOf(texts);
  if (parsed.value === undefined || bindings.value === undefined)
    return { plan: undefined, diagnostics: found, sources, digest, stamps };
  const chosen = bindings.value;
  const bound = engine === undefined ? chosen : { ...chosen, engine: { ...chosen.engine, value: engine } };
  const { value: plan, diagnostics } = compile(parsed.value, bound);
  return { plan, diagnostics: [...found, ...diagnostics], sources, digest, stamps };
}

/** What tells whether a gateway has read what the files hold now. */
export function digestOf({ policy, environment, parsed }: Texts): string {
  const lengths = `${policy.text.length} ${environment.text.length}\n`;
  const hash = createHash('sha256').update(lengths).update(policy.text).update(environment.text);
  for (const file of parsed.value?.attached?.values() ?? []) {
    if ('bytes' in file) hash.update(`\n${file.bytes.length}\n`).update(file.bytes);
    else hash.update(`\n${file.fault}\n`);
  }
  return hash.digest('hex');
}

/** A folder, a device or a huge file is refused before it is read. */
async function readText(file: string, what: string, option: string): Promise<string> {
  const hint = `${option} names the ${what} file`;
  try {
    const { size } = await stat(file).then((found) =>
      found.isFile() ? found : Promise.reject(new Error('not a file')),
    );
    if (size > policyBytesMax) throw new Error(`larger than ${policyBytesMax} bytes`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = systemCode(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause);
    throw new ControlFault('file-unreadable', `can't read the ${what} ${file}: ${why}`, { hint, cause });
  }
}
