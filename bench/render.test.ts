import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFigures } from './render.ts';

test('the table says which goals are met', () => {
  const figure = { low: 0.5, high: 1, runs: 6 };
  const table = renderFigures([
    { name: 'a/met', ratio: 0.7, goal: 0.65, ...figure },
    { name: 'b/below-its-goal', ratio: 0.6, goal: 0.65, ...figure },
    { name: 'c/known', ratio: 2, goal: null, ...figure },
  ]);
  assert.deepEqual(table.split('\n'), [
    'figure            ratio  goal   low  high  runs',
    'a/met              0.70  0.65  0.50  1.00     6    met',
    'b/below-its-goal   0.60  0.65  0.50  1.00     6  below',
    'c/known            2.00     –  0.50  1.00     6',
    '',
  ]);
});
