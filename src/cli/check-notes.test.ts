import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPlan } from '../../test/support/test-plan.ts';
import type { AssistedRoute } from '../engines/engine.ts';
import { haproxy } from '../engines/haproxy/index.ts';
import type { Plan } from '../plan/types.ts';
import { assistedNotes, healthLines } from './check-notes.ts';

const plan = testPlan({});

function told(...assisted: AssistedRoute[]): readonly string[] {
  const engine = { ...haproxy, realize: () => ({ files: {}, assisted }) };
  return assistedNotes(engine, plan).map(({ code, severity, message }) => `${severity} ${code} ${message}`);
}

test('an engine that has nothing carried by another is told nothing of', () => assert.deepEqual(told(), []));

test('one note for all that go the assisted way for the same reasons', () => {
  const models = Array.from({ length: 7 }, (_, index): AssistedRoute => {
    return { service: 'scoring', model: `m${index}`, features: ['coalesce'] };
  });
  assert.deepEqual(told({ service: 'other', features: ['queue', 'compress-br'] }, ...models), [
    'note HG3030 calls of `other/**` go the assisted way on the haproxy engine: queue, compress-br',
    'note HG3030 calls of `scoring/m0`, `scoring/m1`, `scoring/m2`, `scoring/m3`, `scoring/m4` and 2 more go the assisted way on the haproxy engine: coalesce',
  ]);
});

test('how long a dead replica gets calls is told of services that are polled', () => {
  const polled: Plan = {
    ...plan,
    upstreams: [...plan.upstreams, { service: 'polled', endpoints: [], health: { everyMs: 1500, rise: 2, fall: 3 } }],
  };
  assert.deepEqual(healthLines(polled), [
    'polled: a replica that stops answering polls gets calls for up to 4500ms, one that answers again gets them after up to 3s',
  ]);
});
