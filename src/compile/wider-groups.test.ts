import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallerTermPlan, GroupPlan } from '../plan/index.ts';
import { widerGroups } from './wider-groups.ts';

type Ways = readonly (readonly CallerTermPlan[])[];

const any = { identity: 'staff' };
const a = { identity: 'staff', group: ['a'] };
const ab = { identity: 'staff', group: ['a', 'b'] };
const annInA = { identity: 'staff', group: ['a'], subject: ['ann'] };
const robot = { identity: 'robots', client: ['r'] };

function wider(narrow: Ways, other: Ways): boolean {
  const group = (name: string, ways: Ways): GroupPlan => ({ name, anyOf: ways.map((allOf) => ({ allOf })) });
  return (
    widerGroups([group('narrow', narrow), group('other', other)])
      .get('narrow')
      ?.has('other') === true
  );
}

test('a group is wider whose ways take in each way of the other', () => {
  assert.equal(wider([[a]], [[any]]), true);
  assert.equal(wider([[any]], [[a]]), false);
  assert.equal(wider([[a]], [[ab]]), true);
  assert.equal(wider([[ab]], [[a]]), false);
  assert.equal(wider([[annInA]], [[a]]), true);
  assert.equal(wider([[a]], [[annInA]]), false);
  assert.equal(wider([[robot]], [[any]]), false);
  assert.equal(wider([[a], [robot]], [[any]]), false);
  assert.equal(wider([[a], [robot]], [[robot], [any]]), true);
  assert.equal(wider([[a], [annInA]], [[ab], [robot]]), true);
});

test('several terms of one way are all of them', () => {
  const inB = { identity: 'staff', group: ['b'] };
  assert.equal(wider([[a, inB]], [[inB]]), true);
  assert.equal(wider([[a, inB]], [[a]]), true);
  assert.equal(wider([[a]], [[a, inB]]), false);
});

test('a group without ways is in none but itself', () => {
  assert.equal(wider([], [[any]]), false);
  assert.equal(wider([[any]], []), false);
});

test('what is looked at is bounded: less is found, never something wrong', () => {
  const groups = Array.from({ length: 3000 }, (_, index) => ({ name: `g${index}`, anyOf: [{ allOf: [any] }] }));
  const started = performance.now();
  const found = widerGroups(groups);
  assert.ok(performance.now() - started < 3000);
  for (const names of found.values()) assert.ok(names.size > 1 && names.size <= 66);
});
