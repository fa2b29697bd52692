import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Due, Wheel } from './wheel.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function due(inMs: number, seen: number[]): Due {
  const dueMs = performance.now() + inMs;
  return { dueMs, due: (nowMs) => seen.push(nowMs - dueMs), before: undefined, after: undefined };
}

test('what is due happens once, never early; what is taken out does not', async () => {
  const wheel = new Wheel();
  const seen: number[] = [];
  const gone = due(40, seen);
  for (const each of [due(-5, seen), due(0, seen), due(30, seen), due(90, seen), gone]) wheel.add(each);
  wheel.remove(gone);
  wheel.remove(gone);
  const far = due(20_000, seen);
  wheel.add(far);
  for (let turn = 0; turn < 200 && seen.length < 4; turn += 1) await wait(5);
  assert.equal(seen.length, 4);
  assert.ok(seen.every((lateMs) => lateMs >= 0));
  wheel.remove(far);
  await wait(50);
  const again: number[] = [];
  wheel.add(due(10, again));
  for (let turn = 0; turn < 200 && again.length < 1; turn += 1) await wait(5);
  assert.deepEqual([seen.length, again.length], [4, 1]);
  wheel.close();
});

test('one that ends another takes it away in time', async () => {
  const wheel = new Wheel();
  let count = 0;
  const dueMs = performance.now() + 10;
  const pair: Due[] = [0, 1].map((index) => ({
    dueMs,
    before: undefined,
    after: undefined,
    due: () => {
      count += 1;
      wheel.remove(pair[1 - index] as Due);
    },
  }));
  for (const each of pair) wheel.add(each);
  for (let turn = 0; turn < 200 && count < 1; turn += 1) await wait(5);
  await wait(40);
  assert.equal(count, 1);
  wheel.close();
});
