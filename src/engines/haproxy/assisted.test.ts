import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplePlan } from '../../plan/testing/sample-plan.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import type { Operation } from '../../protocols/types.ts';
import { assistedRoutes, assistedWay, hasAssisted, isAssisted, wholeFeatures } from './assisted.ts';

const endpoint = { rest: { host: '127.0.0.1', port: 8501 }, grpc: { host: '127.0.0.1', port: 8500 } };
const queue = { inFlightMax: 1, waitingMax: 1, waitMs: 1 };
const planWith = (traffic: Partial<UpstreamPlan>): Plan => ({
  ...samplePlan(),
  upstreams: [{ service: 'scoring', endpoints: [endpoint, endpoint], ...traffic }],
});
const none: ReadonlySet<string> = new Set();
const call = (model: string, grpc?: true): Operation => {
  const row = { service: 'scoring', protocol: 'tensorflow-serving', name: 'predict', action: 'predict' } as const;
  return { ...row, resource: [model], model, safe: true, ...(grpc && { grpc }) };
};

test('what HAProxy carries by itself is not assisted', () => {
  const compression = { answers: ['gzip'] } as const;
  for (const traffic of [
    {},
    { compression },
    { timeouts: { deadlineMs: 1 }, retries: { triesMax: 2, budgetPpm: 1 } },
  ]) {
    const plan = planWith(traffic);
    assert.deepEqual([assistedRoutes(plan), hasAssisted(plan)], [[], false]);
    assert.equal(isAssisted(plan, call('m'), none), false);
  }
});

test('models with repeats, a sequence or a queue are assisted, and each call of theirs that is asked about', () => {
  const models = { m: { repeats: { share: 'rule' } }, n: { sequence: { header: 'x-sequence-id' } } } as const;
  const plan = planWith({ models, queue: { models: { m: queue, o: queue } } });
  assert.deepEqual(assistedRoutes(plan), [
    { service: 'scoring', model: 'm', features: ['coalesce', 'queue'] },
    { service: 'scoring', model: 'n', features: ['sequence'] },
    { service: 'scoring', model: 'o', features: ['queue'] },
  ]);
  for (const grpc of [undefined, true] as const) {
    const seen = ['m', 'n', 'o', 'p'].map((model) => isAssisted(plan, call(model, grpc), none));
    assert.deepEqual(seen, [true, true, true, false]);
  }
  assert.equal(assistedWay(plan, 'scoring', 'grpc')?.asked, 'always');
});

test('a queue of the service is for all of it; so is compression that HAProxy lacks', () => {
  const queued = planWith({ queue: { service: queue } });
  assert.deepEqual([isAssisted(queued, call('m'), none), isAssisted(queued, call('m', true), none)], [true, true]);
  const compression = { answers: ['zstd', 'br', 'gzip'], requests: 'gzip' } as const;
  const [upstream = assert.fail()] = planWith({ compression }).upstreams;
  assert.deepEqual(wholeFeatures(upstream), ['compress-br', 'compress-zstd', 'compress-requests']);
});

test('replicas that are asked what they have are assisted while they differ, for what they differ in', () => {
  const plan = planWith({ health: { everyMs: 1000, rise: 1, fall: 1 } });
  assert.deepEqual(assistedRoutes(plan), [{ service: 'scoring', features: ['readiness-by-model'] }]);
  assert.equal(assistedWay(plan, 'scoring', 'rest')?.asked, 'uneven');
  const uneven = new Set(['scoring/m']);
  const seen = [none, uneven].map((each) => [isAssisted(plan, call('m'), each), isAssisted(plan, call('n'), each)]);
  assert.deepEqual(seen, [
    [false, false],
    [true, false],
  ]);
  // A single replica may lack a model, too.
  assert.equal(hasAssisted(planWith({ health: { everyMs: 1, rise: 1, fall: 1 }, endpoints: [endpoint] })), true);
  assert.equal(hasAssisted(planWith({ endpoints: [endpoint] })), false);
});
