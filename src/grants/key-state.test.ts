import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKeyName, stateOf } from './key-state.ts';

test('a key is good until its end, and a revoked one is no longer', () => {
  assert.equal(stateOf({ endsMs: 10 }, 9), 'valid');
  assert.equal(stateOf({ endsMs: 10 }, 10), 'expired');
  assert.equal(stateOf({ endsMs: 10, revokedMs: 5 }, 1), 'revoked');
});

test('a name is what a policy can write', () => {
  for (const name of ['batch-scorer', 'a', '7_b.c', 'x'.repeat(120)]) assert.equal(isKeyName(name), true, name);
  for (const name of ['', '-a', 'a b', 'a*', 'é', 'a\n', 'x'.repeat(121)]) assert.equal(isKeyName(name), false, name);
});
