import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastInFlight } from './balance.ts';

const [idle, busy, other] = [{ inFlight: 0 }, { inFlight: 3 }, { inFlight: 0 }];

test('the one with least in flight, and idle ones in turn', () => {
  assert.equal(leastInFlight([busy, idle], [], 0), idle);
  assert.equal(leastInFlight([idle, other], [], 0), idle);
  assert.equal(leastInFlight([idle, other], [], 1), other);
});

test('none twice', () => {
  assert.equal(leastInFlight([busy, idle], [idle], 1), busy);
  assert.equal(leastInFlight([busy, idle], [idle, busy], 1), undefined);
  assert.equal(leastInFlight([], [], 0), undefined);
});
