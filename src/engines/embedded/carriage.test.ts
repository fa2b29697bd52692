import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetMemory, sumByService } from '../../traffic/index.ts';
import { Carriages } from './carriage.ts';

const upstream = { service: 'a', endpoints: [], retries: { triesMax: 2, budgetPpm: 0 } };

test('counts outlive a Plan; workers share the budget, and their counts are summed', () => {
  const shared = { budgets: budgetMemory(), sharedUs: 0 };
  const [one, two] = [new Carriages(shared), new Carriages(shared)];
  for (const each of [one, two]) each.apply([upstream]);
  assert.equal(one.of('a').mayRetry(0), false);
  one.apply([
    { ...upstream, retries: { triesMax: 2, budgetPpm: 1 } },
    { service: 'b', endpoints: [] },
  ]);
  let count = 0;
  for (const each of [one, two]) {
    each.apply([{ ...upstream, retries: { triesMax: 2, budgetPpm: 1 } }]);
    while (each.of('a').mayRetry(1000)) count += 1;
  }
  const [sum] = sumByService([...one.status(), ...two.status()]);
  assert.deepEqual([sum?.service, sum?.retries, sum?.retriesRefused], ['a', count, 3]);
  assert.deepEqual([one.of('b').traffic.deadlineMs, one.of('b').answers], [undefined, undefined]);
  assert.equal(one.of('nobody').traffic.retries.triesMax, 2);
});
