import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleAccess } from '../plan/testing/sample-plan.ts';
import type { Located, Policy } from '../policy/index.ts';
import { compile } from './compile.ts';
import { environmentFor, policyFor } from './testing/trees.ts';

/** The rules hold in these environments, one list a rule; the one at hand is `dev`. */
function compileIn(...lists: readonly (readonly string[])[]): ReturnType<typeof compile> {
  const policy = policyFor(sampleAccess);
  const [rule] = policy.rules;
  assert.ok(rule);
  const place = rule.name.span;
  const within = (names: readonly string[]): readonly Located<string>[] =>
    names.map((value) => ({ value, span: place }));
  const rules: Policy['rules'] = lists.map((names, index) => ({
    ...rule,
    name: { value: `rule ${index}`, span: place },
    in: within(names),
  }));
  return compile({ ...policy, rules }, environmentFor(sampleAccess));
}

function slips(...lists: readonly (readonly string[])[]): readonly (string | undefined)[] {
  return compileIn(...lists)
    .diagnostics.filter(({ code }) => code === 'HG2006')
    .map(({ hint }) => hint);
}

test('a name used once that is nearly another is a likely slip', () => {
  assert.deepEqual(slips(['staging'], ['staging', 'prod'], ['stagin']), ['did you mean `staging`?']);
});

test("names that are far, short or numbered are nobody's slip", () => {
  assert.deepEqual(slips(['prod'], ['staging'], ['eu', 'us'], ['dev2', 'dev-3'], ['de']), []);
});

test('rules of other environments are left out, the others numbered anew', () => {
  const { value } = compileIn(['prod'], ['dev', 'prod'], ['staging'], ['dev']);
  assert.deepEqual(
    value?.access.rules.map(({ index, name }) => `${index} ${name}`),
    ['0 rule 1', '1 rule 3'],
  );
});
