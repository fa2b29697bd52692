import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPlan } from '../../test/support/test-plan.ts';
import type { Plan } from '../plan/types.ts';
import { classify } from './classify.ts';

const plain = testPlan({});
const plan: Plan = {
  ...plain,
  upstreams: plain.upstreams.map((upstream) => ({
    ...upstream,
    models: { m: { sequence: { header: 'x-sequence-id' } }, n: { repeats: { share: 'rule' } } },
  })),
};
const service = '/tensorflow.serving.PredictionService';

function safe(of: Plan, target: string, message?: object): boolean | undefined {
  const method = target.endsWith('metadata') ? 'GET' : 'POST';
  const asked = { listener: 'public', method, target, authority: 'localhost:8080', ...(message && { message }) };
  const found = classify(of, asked);
  return 'reason' in found ? undefined : found.operation.safe;
}

test('a call of a model that keeps a sequence is never safe to send again', () => {
  assert.equal(safe(plan, '/v1/models/m:predict'), false);
  assert.equal(safe(plan, '/v1/models/m/versions/3:predict'), false);
  assert.equal(safe(plan, '/v1/models/m/metadata'), false);
  assert.equal(safe(plan, `${service}/Predict`, { model: 'm' }), false);
});

test('of other models, and of the same name where nothing is said, it is', () => {
  for (const target of ['/v1/models/n:predict', '/v1/models/other/metadata', '/v1/models/constructor:predict'])
    assert.equal(safe(plan, target), true, target);
  assert.equal(safe(plan, `${service}/Predict`, { model: 'n' }), true);
  assert.equal(safe(plain, '/v1/models/m:predict'), true);
  assert.equal(safe(plain, `${service}/Predict`, { model: 'm' }), true);
});
