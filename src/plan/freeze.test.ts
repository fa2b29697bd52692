import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezePlan } from './freeze.ts';
import { samplePlan } from './testing/sample-plan.ts';

test('freezes a Plan through and through, and gives the same one back', () => {
  const plan = structuredClone(samplePlan());
  assert.equal(freezePlan(plan), plan);
  assert.deepEqual(thawed(plan), []);
});

/** Paths of what can still be changed. */
function thawed(value: unknown, path = 'plan'): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, member]) => thawed(member, `${path}.${key}`));
  return Object.isFrozen(value) ? inside : [path, ...inside];
}
