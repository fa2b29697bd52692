import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { budgetMemory, budgetWindowSeconds, RetryBudget, retriesPerWindowMin } from './retry-budget.ts';

const fifth = 200_000;

function taken(budget: RetryBudget, second: number, tries: number, ppm = fifth): number {
  let count = 0;
  for (let turn = 0; turn < tries; turn += 1) if (budget.take(second, ppm)) count += 1;
  return count;
}

test('a share of the calls, and a few where there are hardly any', () => {
  const budget = new RetryBudget(budgetMemory(), 'scoring');
  assert.equal(taken(budget, 100, 50), retriesPerWindowMin);
  const busy = new RetryBudget(budgetMemory(), 'scoring');
  for (let call = 0; call < 1000; call += 1) busy.call(100 + (call % 10));
  assert.equal(taken(busy, 109, 1000), 200);
  assert.equal(taken(busy, 109, 10, 0), 0);
});

test('what is longer ago than the window counts no more, and the tries come back', () => {
  const budget = new RetryBudget(budgetMemory(), 'scoring');
  for (let call = 0; call < 100; call += 1) budget.call(100);
  assert.equal(taken(budget, 100, 100), 20);
  assert.equal(taken(budget, 100 + budgetWindowSeconds - 1, 100), 0);
  assert.equal(taken(budget, 100 + budgetWindowSeconds, 100), retriesPerWindowMin);
  assert.equal(taken(budget, 100 + 50, 100), retriesPerWindowMin);
});

test('each service has its own; with more services than places they share', () => {
  const memory = budgetMemory(2);
  const [one, two, three] = ['a', 'b', 'c'].map((name) => new RetryBudget(memory, name)) as [
    RetryBudget,
    RetryBudget,
    RetryBudget,
  ];
  assert.equal(taken(one, 7, 9), retriesPerWindowMin);
  assert.equal(taken(two, 7, 9), retriesPerWindowMin);
  assert.equal(taken(three, 7, 9), 0);
  assert.equal(taken(new RetryBudget(memory, 'a'), 7, 9), 0);
});

test('threads share it, and no count is lost', async () => {
  const memory = budgetMemory();
  const [threads, calls] = [3, 30_000];
  const text = `
    const { workerData } = require('node:worker_threads');
    import(workerData.module).then(({ RetryBudget }) => {
      const budget = new RetryBudget(workerData.memory, 'scoring');
      for (let call = 0; call < workerData.calls; call += 1) budget.call(1000);
    });`;
  const workerData = { memory, calls, module: new URL('./retry-budget.ts', import.meta.url).href };
  const ends = Array.from({ length: threads }, () => {
    const worker = new Worker(text, { eval: true, workerData });
    return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
  });
  await Promise.all(ends);
  const budget = new RetryBudget(memory, 'scoring');
  assert.equal(taken(budget, 1009, 1000, 1000), (threads * calls) / 1000);
});
