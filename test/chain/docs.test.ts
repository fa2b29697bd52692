import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compile } from '../../src/compile/index.ts';
import { type DenialReason, denialRow, denials, grpcStatusOf } from '../../src/gate/index.ts';
import { parseEnvironment, parsePolicy } from '../../src/policy/index.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/identity-chain.md'), 'utf8');

test('docs/identity-chain.md shows what compiles without a word', () => {
  const blocks = [...text.matchAll(/^ {3}```yaml\n([\s\S]*?)^ {3}```/gm)].map(([, block = '']) =>
    block.replace(/^ {3}/gm, ''),
  );
  const [policyText = '', bindings = ''] = blocks;
  const rest = [
    'engine: embedded',
    'listeners: [{ name: public, address: 127.0.0.1:8080 }]',
    'services: { ledger: { endpoints: [127.0.0.1:50051] } }',
    'audit: { directory: var/audit, record: required }',
    'admin: 127.0.0.1:9900',
  ];

  const policy = parsePolicy(`version: 1\n${policyText}`, 'headgate.yaml');
  const environment = parseEnvironment(`version: 1\n${bindings}${rest.join('\n')}\n`, 'prod.yaml');
  assert.deepEqual([...policy.diagnostics, ...environment.diagnostics], []);
  assert.ok(policy.value && environment.value);
  const { value, diagnostics } = compile(policy.value, environment.value);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(value?.access.relays?.[0]?.hops, [{ audience: 'orders', groups: ['orders-service'] }]);
});

test('its table of refusals is that of the gate', () => {
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (\d+) \|/gm)];
  const listed = rows.map(([, reason, status, grpc]) => [reason, Number(status), Number(grpc)]);
  const reasons = (Object.keys(denials) as DenialReason[]).filter((name) =>
    /^(assertion|chain)-|^identity-un/.test(name),
  );
  const known = reasons.map((name) => [name, denialRow(name).status, grpcStatusOf(name)]);
  assert.deepEqual(listed.toSorted(), known.toSorted());
});
