import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessEpoch } from './epoch.ts';
import { sampleAccess } from './testing/sample-plan.ts';

test('is the same whatever order the keys were written in', () => {
  const turned = Object.fromEntries(Object.entries(sampleAccess).toReversed()) as unknown as typeof sampleAccess;
  assert.equal(accessEpoch(turned), accessEpoch(sampleAccess));
  assert.match(accessEpoch(sampleAccess), /^[0-9a-f]{16}$/);
});

test('changes with anything in the access part', () => {
  const epochs = [
    sampleAccess,
    { ...sampleAccess, environment: 'prod' },
    { ...sampleAccess, rules: sampleAccess.rules.toReversed() },
    { ...sampleAccess, groups: [] },
    { ...sampleAccess, reads: {} },
  ].map(accessEpoch);
  assert.equal(new Set(epochs).size, epochs.length);
});
