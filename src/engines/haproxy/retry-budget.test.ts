import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from './retry-budget.ts';

const plan = { triesMax: 2, budgetPpm: 200_000 };
const counts = (calls: number, tries: number, faults = tries) => ({ calls, tries, faults });

test('calls may be tried again until the tries of ten seconds are a fifth of the calls', () => {
  const budget = new RetryBudget(plan, { isAlwaysHeld: true, nowMs: 0 });
  assert.equal(budget.see(counts(100, 19), 1000), true);
  assert.equal(budget.see(counts(200, 40), 2000), false);
  assert.equal(budget.see(counts(300, 40), 3000), true);
  assert.equal(budget.see(counts(300, 61, 65), 4000), false);
  assert.equal(budget.see(counts(300, 61, 75), 5000), false);
  assert.equal(budget.refused, 10);
  assert.equal(budget.tries, 61);
  // Ten seconds later nothing of it counts.
  assert.equal(budget.see(counts(310, 61, 75), 15_000), true);
});

test('a quiet service has a few tries, one without a budget none', () => {
  const quiet = new RetryBudget(plan, { isAlwaysHeld: true, nowMs: 0 });
  assert.equal(quiet.see(counts(2, 4), 1000), true);
  assert.equal(quiet.see(counts(3, 5), 2000), false);
  const none = new RetryBudget({ triesMax: 2, budgetPpm: 0 }, { isAlwaysHeld: true, nowMs: 0 });
  assert.equal(none.see(counts(1, 0), 1000), false);
});

test('a service that gives no cause for ten seconds at first, or a minute later, is not held ready, until it does', () => {
  const budget = new RetryBudget(plan, { isAlwaysHeld: false, nowMs: 0 });
  assert.equal(budget.see(counts(100, 0), 1000), true);
  assert.equal(budget.see(counts(10_000, 0), 10_000), false);
  assert.equal(budget.see(counts(10_100, 0, 1), 61_000), true);
  assert.equal(budget.see(counts(20_000, 0, 1), 121_000), false);
  budget.expect(121_500);
  assert.equal(budget.see(counts(20_100, 0, 1), 122_000), true);
});
