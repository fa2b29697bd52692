import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DenialReason, Gate, Permit } from '../../gate/index.ts';
import { systemClock } from '../../std/clock.ts';
import { type OpenCall, OpenCalls } from './open-calls.ts';
import { eventually } from './testing/stage.ts';

interface Fake extends OpenCall {
  readonly id: string;
  asks: number;
  looks: number;
  ended: DenialReason | undefined;
}

/** Calls of so many callers, and a gate that ends those of whom it is told. */
function scene(count: number, keptMs: number) {
  const ended = new Set<string>();
  const calls: Fake[] = Array.from({ length: count }, (_, at) => {
    const id = `caller ${at}`;
    const call: Fake = {
      id,
      permit: permitOf(id, 0),
      place: -1,
      askMs: 0,
      sinceMs: at,
      asks: 0,
      looks: 0,
      ended: undefined,
      asked: () => ({ id }) as never,
      described: () => ({ requestId: id }) as never,
      look() {
        call.looks += 1;
      },
      refuse(reason) {
        call.ended = reason;
        open.delete(call);
      },
    };
    return call;
  });
  const again = (permit: Permit) => {
    const id = permit.fields.callerId ?? '';
    const call = calls.find((each) => each.id === id) as Fake;
    call.asks += 1;
    if (ended.has(id)) return { kind: 'denial', reason: 'access-ended' };
    return permitOf(id, systemClock.now() + keptMs);
  };
  const open = new OpenCalls(() => ({ again }) as unknown as Gate, systemClock);
  for (const call of calls) open.add(call);
  return { open, calls, ended };
}

function permitOf(callerId: string, keepUntilMs: number): Permit {
  return {
    kind: 'permit',
    fields: { callerId, identity: { id: callerId }, keepUntilMs, operation: { service: 'orders' } },
  } as unknown as Permit;
}

test('a call is asked about when it comes, and once its answer holds no more', async () => {
  const { open, calls, ended } = scene(50, 0);
  assert.ok(calls.every(({ asks }) => asks === 1));
  ended.add('caller 7');
  await eventually(() => calls[7]?.ended, 10_000);
  await eventually(
    () => calls.every(({ asks, looks, id }) => id === 'caller 7' || (asks > 1 && looks > 0)) || undefined,
    10_000,
  );
  assert.deepEqual([open.size, calls[7]?.ended], [49, 'access-ended']);
  assert.equal(calls.filter((call) => call.ended !== undefined).length, 1);
  for (const call of calls) open.delete(call);
});

test('while an answer holds, the gate is left alone; a swap and a revocation ask at once', async () => {
  const { open, calls, ended } = scene(1000, 60_000);
  await eventually(() => calls.every(({ looks }) => looks > 0) || undefined, 10_000);
  assert.ok(calls.every(({ asks }) => asks === 1));
  ended.add('caller 3');
  open.revoked(new Set(['caller 3', 'caller 4', 'nobody']));
  assert.deepEqual(
    calls.slice(2, 6).map(({ asks, ended: reason }) => [asks, reason]),
    [
      [1, undefined],
      [2, 'access-ended'],
      [2, undefined],
      [1, undefined],
    ],
  );
  for (const each of calls) ended.add(each.id);
  open.swapped();
  await eventually(() => open.size === 0 || undefined);
  assert.ok(calls.every((call) => call.ended === 'access-ended'));
});

test('a status counts them, and names the oldest', () => {
  const { open, calls } = scene(150, 60_000);
  open.delete(calls[0] as Fake);
  open.delete(calls[0] as Fake);
  const { byService, oldest } = open.count();
  assert.deepEqual(byService, { orders: 149 });
  assert.deepEqual(
    oldest.map(({ requestId }) => requestId),
    calls.slice(1, 101).map(({ id }) => id),
  );
  for (const call of calls) open.delete(call);
  assert.equal(open.size, 0);
});
