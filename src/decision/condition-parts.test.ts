import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConditionsPlan, WindowPlan } from '../plan/types.ts';
import { type CallView, conditionParts } from './condition-parts.ts';
import type { RequestFacts } from './types.ts';

const facts: RequestFacts = {
  listener: 'public',
  method: 'POST',
  path: '/',
  host: '',
  address: '10.1.2.3',
  nowMs: Date.UTC(2026, 0, 5, 12),
  header: () => undefined,
};

function ask(conditions: ConditionsPlan, more: Partial<RequestFacts> = {}): readonly (boolean | string)[] {
  const asked = { ...facts, ...more };
  const call: CallView = { facts: asked, context: () => assert.fail('nothing here is CEL') };
  return conditionParts(conditions).map((part) => {
    try {
      return part.holds(call) || part.unmet(asked);
    } catch (error) {
      assert.ok(error instanceof Error);
      return part.failed(error.message);
    }
  });
}

const days = [0, 1, 2, 3, 4, 5, 6] as const;
const night: WindowPlan = { days, fromMinute: 1320, toMinute: 360, zone: 'Europe/Zurich' };

test('a listener, by its name', () => {
  assert.deepEqual(ask({ via: ['internal', 'public'] }), [true]);
  assert.deepEqual(ask({ via: ['internal', 'edge'] }), ['listener public is not internal or edge']);
});

test('an address, in any of the ranges; IPv4 in IPv6 is IPv4; what is no address is an error', () => {
  const from = ['10.0.0.0/8', '2001:db8:0:0:0:0:0:0/32'];
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::7'])
    assert.deepEqual(ask({ from }, { address }), [true]);
  for (const address of ['11.0.0.1', '::ffff:11.0.0.1', '2001:db9::', '::1'])
    assert.deepEqual(ask({ from }, { address }), [
      `address ${address} is not in 10.0.0.0/8 or 2001:db8:0:0:0:0:0:0/32`,
    ]);
  assert.deepEqual(ask({ from: ['10.0.0.0/8'] }, { address: 'unix' }), [
    'address can\'t be held against 10.0.0.0/8: "unix" is no address',
  ]);
});

test('a time, by the clock of its zone, over midnight and over changes of the clock', () => {
  const at = (text: string) => ask({ during: [night] }, { nowMs: Date.parse(text) })[0] === true;
  assert.deepEqual(
    ['2026-01-05T20:59:59Z', '2026-01-05T21:00:00Z', '2026-01-06T04:59:59Z', '2026-01-06T05:00:00Z'].map(at),
    [false, true, true, false],
  );
  // In summer the same clock is an hour earlier.
  assert.deepEqual(['2026-07-05T19:59:59Z', '2026-07-05T20:00:00Z', '2026-07-06T04:00:00Z'].map(at), [
    false,
    true,
    false,
  ]);
  // The hour from two to three is left out in March and repeated in October.
  const two: WindowPlan = { days, fromMinute: 120, toMinute: 180, zone: 'Europe/Zurich' };
  const isTwo = (text: string) => ask({ during: [two] }, { nowMs: Date.parse(text) })[0] === true;
  assert.deepEqual(['2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z'].map(isTwo), [false, false]);
  assert.deepEqual(['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'].map(isTwo), [
    true,
    true,
    false,
  ]);
});

test('a window over midnight belongs to the day on which it opens, there', () => {
  const friday: WindowPlan = { days: [5], fromMinute: 1320, toMinute: 360, zone: 'Asia/Tokyo' };
  const at = (text: string) => ask({ during: [friday] }, { nowMs: Date.parse(text) })[0] === true;
  assert.deepEqual(
    [
      '2026-01-09T22:00:00+09:00',
      '2026-01-10T05:59:00+09:00',
      '2026-01-09T05:00:00+09:00',
      '2026-01-10T23:00:00+09:00',
    ].map(at),
    [true, true, false, false],
  );
});

test('says which parts read the clock, and what was asked of a time', () => {
  const parts = conditionParts({ via: ['public'], from: ['10.0.0.0/8'], during: [night] });
  assert.deepEqual(
    parts.map(({ readsTime }) => readsTime),
    [false, false, true],
  );
  assert.deepEqual(
    parts.map(({ met }) => met),
    ['it comes in by public', 'address is in 10.0.0.0/8', 'it is within 22:00-06:00 Europe/Zurich'],
  );
  assert.deepEqual(ask({ during: [night] }), ['2026-01-05T12:00:00.000Z is not within 22:00-06:00 Europe/Zurich']);
});

test('what the compiler lets not through makes no parts', () => {
  assert.throws(() => conditionParts({ from: ['10.0.0.0/33'] }), TypeError);
  assert.throws(() => conditionParts({ during: [{ ...night, zone: 'Mars/Base' }] }), TypeError);
});
