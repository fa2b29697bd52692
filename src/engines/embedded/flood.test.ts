import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedCredentialsPerSecondMax } from '../../std/limits.ts';
import { FloodGuard } from './flood.ts';

test('an address floods once it has failed too often within a second, and only then', () => {
  const guard = new FloodGuard();
  for (let count = 0; count < failedCredentialsPerSecondMax; count += 1) {
    assert.ok(!guard.isFlooding('a', 5000));
    guard.failed('a', 5000);
  }
  assert.ok(guard.isFlooding('a', 5999));
  assert.ok(!guard.isFlooding('b', 5999));
  assert.ok(!guard.isFlooding('a', 6000));
});
