import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPlan } from '../../../test/support/test-plan.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import { Ejection, ReplicaMemory, replicaMemory } from '../../traffic/index.ts';
import type { ReplicaState } from '../engine.ts';
import { Roster } from './roster.ts';

const addressOf = (port: number) => ({ host: '127.0.0.1', port });
const stateOf = (port: number, change: Partial<ReplicaState> = {}): ReplicaState => ({
  rest: addressOf(port),
  isUp: true,
  lacks: [],
  ...change,
});

function planOf(ports: readonly number[], more: Partial<UpstreamPlan> = {}): Plan {
  const endpoints = ports.map((port) => ({ rest: addressOf(port) }));
  return { ...testPlan({}), upstreams: [{ service: 'scoring', endpoints, ...more }] };
}

function make(slots: number, plan: Plan) {
  const shared = replicaMemory(2, slots);
  const memory = new ReplicaMemory(shared);
  const roster = new Roster(shared);
  roster.take(roster.planned(plan));
  return { roster, memory, ejection: new Ejection(memory) };
}

test('before anything is said: a name has no replicas, and with health nobody is up', () => {
  const plain = make(4, planOf([1, 2])).roster.all;
  assert.deepEqual(
    plain.scoring?.map(({ isUp }) => isUp),
    [true, true],
  );
  const polled = make(4, planOf([1], { health: { everyMs: 1000, rise: 1, fall: 1 } })).roster.all;
  assert.equal(polled.scoring?.[0]?.isUp, false);
  const named = make(4, planOf([], { endpoints: [{ rest: { host: 'a.test', port: 1 }, dns: true }] })).roster.all;
  assert.deepEqual(named.scoring, []);
});

test('what was said holds over a swap, until the service is gone', () => {
  const { roster } = make(8, planOf([1]));
  roster.push({ scoring: [stateOf(2)], other: [stateOf(3)] });
  roster.take(roster.planned(planOf([1, 5])));
  assert.deepEqual(
    roster.status().map(({ address }) => address),
    ['127.0.0.1:2'],
  );
  roster.take(roster.planned({ ...planOf([1]), upstreams: [] }));
  roster.take(roster.planned(planOf([1])));
  assert.deepEqual(
    roster.status().map(({ address }) => address),
    ['127.0.0.1:1'],
  );
});

test('a replica that comes back finds its counts; a slot is another’s only once nothing is in flight', () => {
  const { roster, memory } = make(2, planOf([1]));
  const [slot] = roster.all.scoring?.map((entry) => entry.slot) ?? [];
  assert.ok(slot !== undefined);
  memory.begin(slot, 0);
  roster.push({ scoring: [stateOf(2)] });
  assert.throws(() => roster.push({ scoring: [stateOf(2), stateOf(3)] }), /more than 2 replicas/);
  roster.push({ scoring: [stateOf(1), stateOf(2)] });
  assert.deepEqual(
    roster.status().map(({ inFlight }) => inFlight),
    [1, 0],
  );
  memory.end(slot, 0);
  roster.push({ scoring: [stateOf(2)] });
  roster.push({ scoring: [stateOf(2), stateOf(3)] });
  assert.deepEqual(roster.all.scoring?.map((entry) => entry.slot).toSorted(), [0, 1]);
});

test('one that is up again, or has more than it had, is passed over no more; ejections are counted on', () => {
  const { roster, ejection } = make(3, planOf([1, 2]));
  const [one = 0, other = 0] = roster.all.scoring?.map(({ slot }) => slot) ?? [];
  const eject = (): void => {
    for (let turn = 0; turn < 5; turn += 1) ejection.failed(one, [one, other], 0);
  };
  for (const before of [{ isUp: false }, { lacks: ['m', 'n'] }]) {
    roster.push({ scoring: [stateOf(1, before), stateOf(2)] });
    eject();
    assert.equal(roster.status()[0]?.isEjected, true);
    roster.push({ scoring: [stateOf(1, { lacks: before.lacks?.slice(1) ?? [] }), stateOf(2)] });
    assert.equal(roster.status()[0]?.isEjected, undefined);
  }
  assert.equal(roster.ejections('scoring'), 2);
  for (const port of [3, 4, 5]) roster.push({ scoring: [stateOf(2), stateOf(port)] });
  assert.equal(roster.ejections('scoring'), 2);
});
