import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AccessPlan } from '../plan/index.ts';
import { parseEnvironment, parsePolicy } from '../policy/index.ts';
import { compile } from './compile.ts';
import { reachLines } from './reach.ts';

const folder = join(import.meta.dirname, '../../test/goldens/compile/descriptors');
const [policyText, environmentText, bytes] = ['headgate.yaml', 'environment.yaml', 'orders.binpb'].map((name) =>
  readFileSync(join(folder, name)),
);

function accessOf(text: string, hasDescriptors: boolean): AccessPlan {
  const written = hasDescriptors ? text : text.replace(/ +descriptors: .*\n/, '');
  const policy = parsePolicy(written, 'headgate.yaml');
  const environment = parseEnvironment(String(environmentText), 'environment.yaml');
  assert.ok(policy.value !== undefined && environment.value !== undefined && bytes !== undefined);
  const { value, diagnostics } = compile(
    { ...policy.value, attached: new Map([['orders.binpb', { bytes }]]) },
    environment.value,
  );
  assert.ok(value !== undefined, JSON.stringify(diagnostics));
  return value.access;
}

const orders = (line: string): string => line.replaceAll('acme.orders.v1.', '');

test('the lock has a line for each method that is described', () => {
  assert.deepEqual(reachLines(accessOf(String(policyText), true), 100)?.map(orders), [
    'allow orders/Orders/Create call: staff any (employees) by “employees order”',
    'allow orders/Orders/Get call: staff any (employees) by “employees order”',
    'allow orders/Orders/Import call: staff group "platform" (platform) by “the platform imports”',
    'allow orders/Orders/Watch call: staff any (employees) by “employees order”',
  ]);
});

test('where none is described, one for each pattern that rules name', () => {
  const text = `${policyText}
  - { name: nobody archives, deny: anyone, to: call, at: orders/acme.orders.v1.Archive/** }
  - { name: the rest, allow: platform, to: [call, reflect], at: orders/** }
`;
  assert.deepEqual(reachLines(accessOf(text, false), 100)?.map(orders), [
    'allow orders reflect: staff group "platform" (platform) by “the rest”',
    'allow orders/** call: staff group "platform" (platform) by “the rest”',
    'allow orders/*/Import call: staff group "platform" (platform) by “the platform imports”',
    'allow orders/Orders/Create call: staff any (employees) by “employees order”',
    'allow orders/Orders/Create call: staff group "platform" (platform) by “the rest”',
    'allow orders/Orders/Get call: staff any (employees) by “employees order”',
    'allow orders/Orders/Get call: staff group "platform" (platform) by “the rest”',
    'allow orders/Orders/W* call: staff any (employees) by “employees order”',
    'allow orders/Orders/W* call: staff group "platform" (platform) by “the rest”',
    'deny orders/Archive/* call: anyone by “nobody archives”',
  ]);
});
