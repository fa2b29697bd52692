import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permit } from '../../gate/index.ts';
import { retryBodyBytesMax } from '../../std/limits.ts';
import { budgetMemory } from '../../traffic/index.ts';
import { Attempts, type AttemptsOptions } from './attempts.ts';
import { Carriages } from './carriage.ts';
import { ReplicaSets, type Target } from './replica-sets.ts';

class Named implements Target {
  readonly inFlight = 0;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  close(): void {}
}

function attempts(replicas: number, changed: Partial<AttemptsOptions<Named>> = {}, isSafe = true): Attempts<Named> {
  const endpoints = Array.from({ length: replicas }, (_, index) => ({ rest: { host: 'a', port: index + 1 } }));
  const upstreams = [{ service: 's', endpoints, retries: { triesMax: 3, budgetPpm: 1_000_000 } }];
  const sets = new ReplicaSets(({ rest }) => new Named(String(rest.port)));
  sets.apply(upstreams);
  const carriages = new Carriages({ budgets: budgetMemory(1), sharedUs: 0 });
  carriages.apply(upstreams);
  const permit = { fields: { operation: { service: 's', safe: isSafe } } } as Permit;
  const dueMs = Number.POSITIVE_INFINITY;
  return new Attempts({ permit, replicas: sets, carriage: carriages.of('s'), heldBytes: 0, dueMs, ...changed });
}

test('another replica first; one that was tried only with a further try', () => {
  const two = attempts(2);
  const [first, second] = [two.next()?.name, two.next()?.name];
  assert.notEqual(first, second);
  assert.equal(two.next(), undefined);
  assert.equal(two.replica?.name, second);
  assert.ok(two.again() !== undefined);
  assert.ok(two.next() !== undefined);
  assert.equal(two.tries, 3);
  const fallsBack = attempts(2);
  const failed = fallsBack.next()?.name;
  assert.ok(fallsBack.repeat(0) !== undefined);
  assert.notEqual(fallsBack.next()?.name, failed);
});

test('what may have been begun upon is tried again only where that is safe and the body is still here', () => {
  const repeats = (changed: Partial<AttemptsOptions<Named>>, isSafe?: boolean): boolean =>
    attempts(1, changed, isSafe).repeat(0) !== undefined;
  assert.equal(repeats({}), true);
  assert.equal(repeats({ heldBytes: retryBodyBytesMax }), true);
  assert.equal(repeats({ heldBytes: retryBodyBytesMax + 1 }), false);
  assert.equal(repeats({ heldBytes: undefined }), false);
  assert.equal(repeats({}, false), false);
  assert.equal(attempts(1, {}, false).again() !== undefined, true, 'it was sent to nobody');
});

test('tries end, and none is waited for that would come too late', () => {
  const one = attempts(1);
  assert.deepEqual(
    [one.repeat(0), one.repeat(0), one.repeat(0)].map((wait) => wait !== undefined),
    [true, true, false],
  );
  assert.equal(attempts(1, { dueMs: performance.now() + 400 }).repeat(500), undefined);
  assert.equal(attempts(1).repeat(500), 500);
  assert.equal(attempts(1).repeat(5000), undefined);
  const refused = attempts(1);
  assert.equal(refused.renew(), 0);
  assert.deepEqual(
    [refused.renew(), refused.renew(), refused.renew()].map((wait) => wait !== undefined),
    [true, true, false],
  );
});
