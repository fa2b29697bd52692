import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CounterNumbers } from './counter-numbers.ts';

test('a counter belongs to a rule, a limit and a caller', () => {
  const numbers = new CounterNumbers();
  const number = numbers.numberOf(['r', 0, 'ann']);
  assert.equal(numbers.numberOf(['r', 0, 'ann']), number);
  const others = [
    ['r', 0, 'bob'],
    ['r', 1, 'ann'],
    ['s', 0, 'ann'],
  ] as const;
  for (const owner of others) assert.notEqual(numbers.numberOf(owner), number);
  for (const owner of others) assert.ok(numbers.numberOf(owner) <= 2 ** 31);
});

test('numbers of another life are others', () => {
  const [a, b] = [new CounterNumbers(), new CounterNumbers()];
  assert.notEqual(a.numberOf(['r', 0, 'ann']), b.numberOf(['r', 0, 'ann']));
});
