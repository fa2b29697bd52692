import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCall, HeldTable } from './counters.ts';

const limit = { count: 10, periodMs: 1000, burst: 5, per: 'caller' } as const;
const slow = { count: 2, periodMs: 86_400_000, burst: 2, per: 'rule' } as const;

test('a call is counted as the rules count it: a burst, then the rate', async () => {
  const table = new HeldTable([]);
  const startMs = 1_795_258_906_834;
  const admit = (nowMs: number): Promise<boolean> => countCall([limit], [7], { table, nowMs });
  const first = [];
  for (let turn = 0; turn < 8; turn += 1) first.push(await admit(startMs));
  assert.equal(first.filter((isAdmitted) => isAdmitted).length, 5);
  assert.equal(await admit(startMs + 99), false);
  assert.equal(await admit(startMs + 101), true);
  assert.equal(await admit(startMs + 102), false);
  let admitted = 0;
  for (let ms = 200; ms < 10_200; ms += 10) admitted += (await admit(startMs + ms)) ? 1 : 0;
  assert.ok(admitted >= 99 && admitted <= 101, `${admitted}`);
});

test('several limits must all admit it, and what one refuses costs nothing of the others', async () => {
  const table = new HeldTable([]);
  const nowMs = 1_795_258_906_834;
  const admit = (): Promise<boolean> => countCall([limit, slow], [7, 8], { table, nowMs });
  assert.deepEqual([await admit(), await admit(), await admit()], [true, true, false]);
  const before = table.counters.map(({ arrival }) => arrival);
  assert.equal(await admit(), false);
  assert.deepEqual(
    table.counters.map(({ arrival }) => arrival),
    before,
  );
  assert.deepEqual(
    table.counters.map(({ speed, key }) => [speed.name, key]),
    [
      ['fast', 7],
      ['slow', 8],
    ],
  );
});
