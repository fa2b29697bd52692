import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codes, renderTerminal } from '../diagnostics/index.ts';
import { type Plan, parsePlan, planText } from '../plan/index.ts';
import { type AttachedFiles, type Policy, parseEnvironment, parsePolicy } from '../policy/index.ts';
import { compile } from './compile.ts';

/** One folder a case: both files, and what has to come of them, a Plan or diagnostics (a Plan with warnings: both). */
const goldens = join(import.meta.dirname, '../../test/goldens/compile');
const update = process.env.HEADGATE_UPDATE_GOLDENS === '1';

for (const name of readdirSync(goldens).toSorted()) {
  const folder = join(goldens, name);
  test(`golden ${name}`, () => {
    const { plan, shown } = compileFolder(folder);
    assertGolden(join(folder, 'plan.json'), plan && readable(plan));
    assertGolden(join(folder, 'diagnostics.txt'), shown === '' ? undefined : `${shown}\n`);
    if (plan !== undefined) assert.deepEqual(parsePlan(planText(plan)), plan);
  });
}

for (const engine of ['embedded', 'haproxy']) {
  test(`the first example compiles for ${engine} without a word`, () => {
    const example = join(import.meta.dirname, '../../examples/first-light');
    const text = readFileSync(join(example, 'environments/dev.yaml'), 'utf8').replace('embedded', engine);
    const policy = parsePolicy(readFileSync(join(example, 'headgate.yaml'), 'utf8'), 'headgate.yaml');
    const environment = parseEnvironment(text, 'dev.yaml');
    assert.ok(policy.value !== undefined && environment.value !== undefined);
    const { value, diagnostics } = compile(policy.value, environment.value);
    assert.deepEqual(diagnostics, []);
    assert.equal(value?.engine, engine);
  });
}

function compileFolder(folder: string): { readonly plan: Plan | undefined; readonly shown: string } {
  const files = ['headgate.yaml', 'environment.yaml'] as const;
  const [policyText, environmentText] = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  const policy = parsePolicy(policyText ?? '', files[0]);
  const environment = parseEnvironment(environmentText ?? '', files[1]);
  assert.deepEqual([...policy.diagnostics, ...environment.diagnostics], [], 'form is what the goldens of policy show');
  assert.ok(policy.value !== undefined && environment.value !== undefined);
  const attached = attachedIn(folder, policy.value);
  const { value, diagnostics } = compile({ ...policy.value, attached }, environment.value);
  const sources = new Map([
    [files[0], policyText ?? ''],
    [files[1], environmentText ?? ''],
  ]);
  return { plan: value, shown: renderTerminal(diagnostics, { sources }) };
}

function attachedIn(folder: string, { services }: Policy): AttachedFiles {
  const paths = services.flatMap(({ descriptors }) => (descriptors === undefined ? [] : [descriptors.value]));
  return new Map(
    paths.map((path) => {
      const file = join(folder, path);
      return [path, existsSync(file) ? { bytes: readFileSync(file) } : { fault: 'there is no such file' }];
    }),
  );
}

/** The Plan's own order of keys, over lines that a diff can show. */
function readable(plan: Plan): string {
  return `${JSON.stringify(JSON.parse(planText(plan)), null, 2)}\n`;
}

function assertGolden(file: string, found: string | undefined): void {
  if (update) {
    if (found === undefined) rmSync(file, { force: true });
    else writeFileSync(file, found);
    return;
  }
  const expected = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  assert.equal(found, expected, 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
}

test('every code of compiling has a golden, but for bounds and what is told of the lock', () => {
  const shown = readdirSync(goldens)
    .map((name) => join(goldens, name, 'diagnostics.txt'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  const seen = new Set(shown.join('\n').match(/HG2[01]\d{2}/g));
  const unseen = Object.keys(codes).filter((code) => /^HG2[01]/.test(code) && !seen.has(code));
  assert.deepEqual(unseen, ['HG2009', 'HG2080', 'HG2081', 'HG2082']);
});

test('families that stand for too many models are an error at the rule that goes too far', () => {
  const models = Array.from({ length: 1000 }, (_, index) => `m${index}`);
  const rules = Array.from(
    { length: 501 },
    (_, index) => `  - { name: r${index}, allow: e${index}, to: predict, at: s/family/f }`,
  );
  const text = [
    'version: 1',
    'identity: { staff: { oidc: { audience: headgate } } }',
    `groups:\n${rules.map((_, index) => `  e${index}: [{ staff: { group: g${index} } }]`).join('\n')}`,
    `services: { s: { protocol: tensorflow-serving, families: { f: { models: [${models.join(', ')}] } } } }`,
    `rules:\n${rules.join('\n')}`,
  ].join('\n');
  const policy = parsePolicy(text, 'headgate.yaml');
  const environmentText = readFileSync(join(goldens, 'unused-identity/environment.yaml'), 'utf8');
  const environment = parseEnvironment(
    environmentText.replace('scoring', 's').replace(/\n {2}guests.*/, ''),
    'environment.yaml',
  );
  assert.ok(policy.value !== undefined && environment.value !== undefined, JSON.stringify(policy.diagnostics[0]));
  const { value, diagnostics } = compile(policy.value, environment.value);
  const [first, ...others] = diagnostics.filter(({ severity }) => severity === 'error');
  assert.deepEqual([value, first?.code, others.length], [undefined, 'HG2009', 0]);
  assert.match(first?.message ?? '', /more than 500000 patterns/);
  assert.equal(first?.span?.line, text.split('\n').length);
});
