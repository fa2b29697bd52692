import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointPlan, Plan } from '../../plan/types.ts';
import { KnownReplicas } from './known-replicas.ts';

const rest = (port: number) => ({ host: '10.0.0.1', port });
const planOf = (...endpoints: EndpointPlan[]): Plan =>
  ({ upstreams: [{ service: 's', endpoints }] }) as unknown as Plan;
const state = (port: number, isUp: boolean) => ({ rest: rest(port), isUp, lacks: [] });

test('what is known of a replica outlives a change of the endpoints', () => {
  const known = new KnownReplicas();
  known.learn({ s: [state(1, false), state(2, true)] });
  const before = planOf({ rest: rest(1) }, { rest: rest(2) });
  const next = planOf({ rest: rest(1) }, { rest: rest(3) });
  assert.deepEqual(known.takeUp(before, next), { s: [state(1, false), state(3, true)] });
  assert.deepEqual(known.of(next), { s: [state(1, false), state(3, true)] });
});

test('endpoints that stay, and names, leave what was told', () => {
  const known = new KnownReplicas();
  known.learn({ s: [state(1, true)], gone: [] });
  const plan = planOf({ rest: rest(1) });
  assert.deepEqual(known.takeUp(plan, plan), {});
  assert.deepEqual(known.takeUp(plan, planOf({ rest: rest(9), dns: true })), {});
  assert.deepEqual(known.of(plan), { s: [state(1, true)] });
});
