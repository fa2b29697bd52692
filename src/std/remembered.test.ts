import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRemembered } from './remembered.ts';

test('what was used longest ago goes first', () => {
  const remembered = createRemembered<number>(2);
  remembered.set('a', 1);
  remembered.set('b', 2);
  assert.equal(remembered.get('a'), 1);
  remembered.set('c', 3);
  assert.deepEqual([remembered.get('a'), remembered.get('b'), remembered.get('c')], [1, undefined, 3]);
  remembered.set('c', 4);
  assert.deepEqual([remembered.size, remembered.get('c')], [2, 4]);
  remembered.delete('a');
  assert.deepEqual([remembered.size, remembered.get('a')], [1, undefined]);
});
