import assert from 'node:assert/strict';
import { it } from 'node:test';
import { remember } from './remember.ts';

it('remember computes once for each object, also where the value is undefined', () => {
  const asked: object[] = [];
  const first = {};
  const second = {};
  const size = remember((key: object) => {
    asked.push(key);
    return key === first ? 1 : undefined;
  });
  assert.deepEqual([size(first), size(second), size(first), size(second)], [1, undefined, 1, undefined]);
  assert.deepEqual(asked, [first, second]);
});
