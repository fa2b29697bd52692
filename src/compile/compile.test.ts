import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderTerminal } from '../diagnostics/index.ts';
import { type Plan, parsePlan, planText } from '../plan/index.ts';
import { parseEnvironment, parsePolicy } from '../policy/index.ts';
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
  const { value, diagnostics } = compile(policy.value, environment.value);
  const sources = new Map([
    [files[0], policyText ?? ''],
    [files[1], environmentText ?? ''],
  ]);
  return { plan: value, shown: renderTerminal(diagnostics, { sources }) };
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
