import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figureOfCosts, median } from './figures.ts';

test('a figure is the median of the pairs, other over ours, with its spread', () => {
  const figure = figureOfCosts({ name: 'f', goal: 0.8 }, { other: [10, 10, 12], ours: [20, 10, 16] });
  assert.deepEqual(figure, { name: 'f', goal: 0.8, ratio: 0.75, low: 0.5, high: 1, runs: 3 });
});

test('costs that do not pair are no figure', () => {
  assert.throws(() => figureOfCosts({ name: 'f', goal: 1 }, { other: [1], ours: [] }), RangeError);
  assert.throws(() => figureOfCosts({ name: 'f', goal: 1 }, { other: [], ours: [] }), RangeError);
});

test('median of odd and even counts', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([7]), 7);
});
