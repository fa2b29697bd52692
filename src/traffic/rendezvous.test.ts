import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pointOfText, weight } from './rendezvous.ts';

const values = Array.from({ length: 20_000 }, (_, turn) => `sequence-${turn}`);
const replicas = (count: number): string[] => Array.from({ length: count }, (_, turn) => `10.0.0.${turn + 1}:8501`);

function chosen(value: string, names: readonly string[]): string {
  const point = pointOfText(value);
  const weights = names.map((name) => weight(point, pointOfText(name)));
  return names[weights.indexOf(Math.max(...weights))] as string;
}

/** Share of the values that go elsewhere. */
function moved(before: readonly string[], after: readonly string[]): number {
  return values.filter((value) => chosen(value, before) !== chosen(value, after)).length / values.length;
}

for (const count of [2, 4, 9, 19]) {
  test(`one that joins ${count} moves about one in ${count + 1}, and only to itself`, (t) => {
    const [before, after] = [replicas(count), replicas(count + 1)];
    const share = moved(before, after);
    t.diagnostic(`${(share * 100).toFixed(1)} % moved; 1/${count + 1} is ${(100 / (count + 1)).toFixed(1)} %`);
    assert.ok(Math.abs(share * (count + 1) - 1) < 0.15);
    const joined = after.at(-1);
    for (const value of values) {
      const now = chosen(value, after);
      assert.ok(now === joined || now === chosen(value, before));
    }
  });
}

test('whatever the order of the names, the shares are even', () => {
  const names = replicas(7);
  const counts = new Map(names.map((name) => [name, 0]));
  for (const value of values) {
    const name = chosen(value, names);
    assert.equal(name, chosen(value, names.toReversed()));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const count of counts.values()) assert.ok(Math.abs((count * 7) / values.length - 1) < 0.15);
});

test('the points stay as they are: another release must not move sequences', () => {
  assert.deepEqual(['', 'a', 'sequence-1', 'ß→'].map(pointOfText), [2872998923, 2448022055, 617420199, 2515164785]);
  assert.deepEqual([weight(0, 0), weight(1, 2), weight(0xffffffff, 7)], [0, 232174035, 963142964]);
});
