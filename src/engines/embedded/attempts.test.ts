import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permit } from '../../gate/index.ts';
import { retryBodyBytesMax } from '../../std/limits.ts';
import { budgetMemory } from '../../traffic/index.ts';
import { Attempts, type AttemptsOptions } from './attempts.ts';
import { Carriages } from './carriage.ts';
import type { Target } from './replica-sets.ts';

interface Named extends Target {
  readonly name: string;
}

function attempts(replicas: number, changed: Partial<AttemptsOptions<Named>> = {}, isSafe = true): Attempts<Named> {
  const all = Array.from({ length: replicas }, (_, index) => ({ name: String(index) }) as Named);
  const carriages = new Carriages({ budgets: budgetMemory(1), sharedUs: 0 });
  carriages.apply([{ service: 's', endpoints: [], retries: { triesMax: 3, budgetPpm: 1_000_000 } }]);
  return new Attempts({
    permit: { fields: { operation: { service: 's', safe: isSafe } } } as Permit,
    replicas: { pick: (_wanted, tried) => all.find((replica) => !tried.includes(replica)) },
    rawFields: [],
    carriage: carriages.of('s'),
    heldBytes: 0,
    dueMs: Number.POSITIVE_INFINITY,
    ...changed,
  });
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

test('a call of a sequence is tried once, whatever became of it; one of another model as any', () => {
  const carriages = new Carriages({ budgets: budgetMemory(1), sharedUs: 0 });
  const models = { dialogue: { sequence: { header: 'x-sequence-id' } } };
  carriages.apply([{ service: 's', endpoints: [], models, retries: { triesMax: 3, budgetPpm: 1_000_000 } }]);
  for (const [model, tries] of [
    ['dialogue', 1],
    ['other', 2],
  ] as const) {
    const permit = { fields: { operation: { service: 's', model, safe: false } } } as Permit;
    const calls = attempts(2, { permit, carriage: carriages.of('s') });
    let count = 0;
    while (calls.next() !== undefined) count += 1;
    assert.equal(count, tries);
    assert.deepEqual([calls.again() === undefined, calls.renew() === undefined], [tries === 1, tries === 1]);
  }
});
