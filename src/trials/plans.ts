import { compile } from '../compile/index.ts';
import { type Diagnostic, nameHint, type Report } from '../diagnostics/index.ts';
import type { Plan } from '../plan/index.ts';
import type { Environment, Located, Policy, PolicyTests } from '../policy/index.ts';
import { standIn } from './stand-in.ts';

/**
 * A Plan for each environment that a test names. A name that has neither a file nor a rule is told: a slip there would make
 * a test say nothing. Of the policy's own mistakes only errors are told here; `headgate check` has the rest.
 */
export function compilePlans(
  { policy, tests }: { readonly policy: Policy; readonly tests: PolicyTests },
  files: ReadonlyMap<string, Environment>,
  report: Report,
): ReadonlyMap<string, Plan> {
  const known = new Set([
    ...files.keys(),
    ...policy.rules.flatMap((rule) => (rule.in ?? []).map(({ value }) => value)),
  ]);
  const plans = new Map<string, Plan>();
  const told = new Set<string>();
  for (const name of namesOf(tests)) {
    if (!known.has(name.value)) reportUnknown(name, [...known], report);
    else if (!plans.has(name.value)) {
      const environment = files.get(name.value) ?? standIn(policy, tests, name.value);
      const { value, diagnostics } = environment === undefined ? nothing : compile(policy, environment);
      for (const each of diagnostics) putOnce(each, told, report);
      if (value !== undefined) plans.set(name.value, value);
    }
  }
  return plans;
}

const nothing = { value: undefined, diagnostics: [] };

function namesOf({ tests }: PolicyTests): readonly Located<string>[] {
  return tests.flatMap((test) => test.in);
}

function reportUnknown({ value, span }: Located<string>, known: readonly string[], report: Report): void {
  const message = `environment \`${value}\` has no file, and no rule names it`;
  report.add('HG1411', message, { span, hint: nameHint(value, known) });
}

/** What is wrong with the policy is wrong in each environment: once is enough. */
function putOnce(diagnostic: Diagnostic, told: Set<string>, report: Report): void {
  if (diagnostic.severity !== 'error') return;
  const key = JSON.stringify([diagnostic.code, diagnostic.message, diagnostic.span]);
  if (!told.has(key)) report.put(diagnostic);
  told.add(key);
}
