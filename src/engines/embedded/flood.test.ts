import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedCredentialsPerSecondMax } from '../../std/limits.ts';
import { FloodGuard, floodMemory } from './flood.ts';

test('an address floods once it has failed too often within a second, in whichever worker, and only then', () => {
  const memory = floodMemory();
  const guards = [new FloodGuard(memory), new FloodGuard(memory)];
  const [one, other] = guards;
  assert.ok(one !== undefined && other !== undefined);
  for (let count = 0; count < failedCredentialsPerSecondMax; count += 1) {
    assert.ok(guards.every((guard) => !guard.isFlooding('a', 5e6)));
    guards[count % 2]?.failed('a', 5e6);
  }
  assert.ok(one.isFlooding('a', 5e6) && other.isFlooding('a', 5e6));
  assert.ok(!one.isFlooding('b', 5e6));
  assert.ok(!one.isFlooding('a', 6e6));
});
