import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, emptied, plannedReplicas, type SlotReplica, slotsFor } from './slots.ts';

const replica = (port: number, isUp = true): SlotReplica => ({ rest: { host: '10.0.0.1', port }, isUp });
const ports = (slots: readonly (SlotReplica | undefined)[]): (number | undefined)[] =>
  slots.map((each) => each?.rest?.port);
const unused = { former: [], isBusy: () => false };

test('a replica keeps its slot, a new one takes one that nobody had', () => {
  const slots = [replica(1), replica(2), undefined, undefined];
  const next = assign(slots, [replica(2), replica(3)], { former: ['a', 'b'], isBusy: () => true });
  assert.deepEqual(ports(next ?? []), [undefined, 2, 3, undefined]);
});

test('a slot that was left is given away last, and only when its last call has ended', () => {
  const slots = [undefined, undefined, replica(3)];
  const former = ['10.0.0.1:1 -', '10.0.0.1:2 -', '10.0.0.1:3 -'];
  assert.deepEqual(ports(assign(slots, [replica(2)], { former, isBusy: () => true }) ?? []), [undefined, 2, undefined]);
  const isBusy = (index: number): boolean => index === 0;
  assert.deepEqual(ports(assign(slots, [replica(9)], { former, isBusy }) ?? []), [undefined, 9, undefined]);
  assert.equal(assign(slots, [replica(9)], { former, isBusy: () => true }), undefined);
});

test('where there are too few slots, nothing is assigned', () => {
  assert.equal(assign([replica(1), undefined], [replica(1), replica(2), replica(3)], unused), undefined);
});

test('a service has eight slots, or twice as many as replicas, and no more than 64 to spare', () => {
  const upstream = (count: number) => ({
    service: `s${count}`,
    endpoints: Array.from({ length: count }, (_, index) => ({ rest: { host: '10.0.0.1', port: index + 1 } })),
  });
  const slots = slotsFor({ upstreams: [upstream(1), upstream(10), upstream(100)] } as never);
  assert.deepEqual(
    Object.values(slots).map((each) => [each.length, each.filter((slot) => slot !== undefined).length]),
    [
      [8, 1],
      [20, 10],
      [164, 100],
    ],
  );
  assert.ok(Object.values(emptied(slots)).every((each) => each.every((slot) => slot === undefined)));
});

test('a replica that is polled starts as not up, and a name is none', () => {
  const rest = { host: 'models.internal', port: 8501 };
  const health = { everyMs: 1000, rise: 1, fall: 1 };
  const planned = plannedReplicas({ service: 's', endpoints: [{ rest }, { rest, dns: true }], health });
  assert.deepEqual(planned, [{ rest, isUp: false, lacks: [] }]);
});
