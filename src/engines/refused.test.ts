import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan, UpstreamPlan } from '../plan/types.ts';
import { embedded } from './embedded/index.ts';
import type { Capability, Engine, Feature } from './engine.ts';
import { refusedFeatures } from './refused.ts';

const address = { host: '127.0.0.1', port: 8501 };
const everything: UpstreamPlan = {
  service: 'scoring',
  endpoints: [{ rest: address, dns: true }],
  timeouts: { deadlineMs: 5000 },
  health: { everyMs: 2000, rise: 2, fall: 3 },
  retries: { triesMax: 2, budgetPpm: 200_000 },
  queue: { service: { inFlightMax: 1, waitingMax: 0, waitMs: 0 } },
  compression: { answers: ['zstd', 'br', 'gzip'], requests: 'gzip' },
  models: { a: { sequence: { header: 'x-a' } }, b: { repeats: { share: 'rule' } } },
};

function refused(
  capability: (feature: Feature) => Capability,
  upstream: UpstreamPlan,
  listeners: Plan['listeners'] = [],
): readonly (readonly string[])[] {
  const features = Object.keys(embedded.capabilities) as Feature[];
  const capabilities = Object.fromEntries(features.map((each) => [each, capability(each)])) as Engine['capabilities'];
  const plan = { listeners, upstreams: [upstream] } as Pick<Plan, 'listeners' | 'upstreams'> as Plan;
  return refusedFeatures({ name: 'embedded', capabilities }, plan).map(({ code, severity, message }) => [
    code,
    severity,
    message.replace("the embedded engine doesn't ", '').replace(', and service `scoring` asks for it', ''),
  ]);
}

test('what a Plan asks for and an engine refuses is an error each, by service', () => {
  assert.deepEqual(
    refused(() => 'refused', everything).map(([code, , message]) => `${code} ${message}`),
    [
      'HG3020 do endpoints by DNS',
      'HG3020 do health checks',
      'HG3020 do deadlines',
      'HG3020 do retries',
      'HG3020 do queues',
      'HG3020 do compression of requests',
      'HG3020 do sequences',
      'HG3020 do coalescing of repeats',
      'HG3020 code answers in `zstd`, `br` or `gzip`',
    ],
  );
});

test('an engine that does all of it, or a Plan that asks for nothing, is told nothing', () => {
  assert.deepEqual(
    refused(() => 'assisted', everything),
    [],
  );
  const plain: UpstreamPlan = {
    service: 'scoring',
    endpoints: [{ rest: address }],
    timeouts: { connectMs: 100 },
    retries: { triesMax: 1, budgetPpm: 0 },
  };
  assert.deepEqual(
    refused(() => 'refused', plain),
    [],
  );
});

test('one coding of several that is missing is a warning', () => {
  const has: (feature: Feature) => Capability = (feature) => (feature === 'compress-zstd' ? 'refused' : 'native');
  assert.deepEqual(refused(has, everything), [
    ['HG3021', 'warning', 'code answers in `zstd`: those of service `scoring` go out in the others'],
  ]);
});

test('connections that age are asked for by listener', () => {
  const plain = { service: 'scoring', endpoints: [{ rest: address }] };
  const routes = [{ service: 'scoring', strip: false }];
  const listeners = [{ name: 'public', address, routes, connectionAge: { afterMs: 1000 } }];
  const [found] = refused(() => 'refused', plain, listeners);
  assert.deepEqual(found, ['HG3020', 'error', 'end connections by their age, and listener `public` asks for it']);
  assert.deepEqual(
    refused(() => 'native', plain, listeners),
    [],
  );
});
