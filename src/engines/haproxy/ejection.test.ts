import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ejections } from './ejection.ts';

const counts = (key: string, successes: number, failures: number) => ({ key, successes, failures });

test('five failures in a row are enough, a success in between starts anew', () => {
  const ejections = new Ejections();
  const see = (successes: number, failures: number, nowMs: number): string[] => [
    ...ejections.see([counts('a', successes, failures), counts('b', 0, 0)], nowMs),
  ];
  assert.deepEqual(see(10, 90, 0), []);
  assert.deepEqual(see(10, 94, 250), []);
  assert.deepEqual(see(11, 96, 500), []);
  assert.deepEqual(see(11, 99, 750), []);
  assert.deepEqual(see(11, 101, 1000), ['a']);
  assert.equal(ejections.count, 1);
  assert.equal(ejections.isAny, true);
});

test('it is tried again after a second, then after two, and stays when it is well', () => {
  const ejections = new Ejections();
  const see = (failures: number, nowMs: number, successes = 0): boolean =>
    ejections.see([counts('a', successes, failures), counts('b', 0, 0)], nowMs).has('a');
  see(0, 0);
  assert.equal(see(5, 250), true);
  assert.equal(see(5, 1000), true);
  assert.equal(see(5, 1250), false);
  assert.equal(see(6, 1500), true);
  assert.equal(see(6, 3000), true);
  assert.equal(see(6, 3500), false);
  assert.equal(see(6, 3750, 1), false);
  assert.equal(see(9, 4000, 1), false);
});

test('no more than half of the replicas are passed over, and never the only one', () => {
  const keys = ['a', 'b', 'c', 'd'];
  const ejections = new Ejections();
  ejections.see(
    keys.map((key) => counts(key, 0, 0)),
    0,
  );
  assert.equal(
    ejections.see(
      keys.map((key) => counts(key, 0, 9)),
      250,
    ).size,
    2,
  );
  const alone = new Ejections();
  alone.see([counts('a', 0, 0)], 0);
  assert.equal(alone.see([counts('a', 0, 50)], 250).size, 0);
});

test('one that has gone is forgotten', () => {
  const ejections = new Ejections();
  ejections.see([counts('a', 0, 0), counts('b', 0, 0)], 0);
  assert.equal(ejections.see([counts('a', 0, 9), counts('b', 0, 0)], 250).size, 1);
  assert.equal(ejections.see([counts('b', 0, 0), counts('c', 0, 0)], 500).size, 0);
  assert.equal(ejections.isAny, false);
});

test('counts that went back are those of another slot: nothing follows from them', () => {
  const ejections = new Ejections();
  const see = (successes: number, failures: number, nowMs: number): boolean =>
    ejections.see([counts('a', successes, failures), counts('b', 0, 0)], nowMs).has('a');
  assert.equal(see(50, 20, 0), false);
  assert.equal(see(0, 8, 250), false);
  assert.equal(see(0, 12, 500), false);
  assert.equal(see(0, 13, 750), true);
});
