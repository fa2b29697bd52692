import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleCore } from '../../../test/support/audit-records.ts';
import { hasLeft, streamFault } from './stream-ends.ts';

const call = { ...exampleCore, operation: 'call' };

test('why a stream was cut, by how its session ended; other calls are not asked', () => {
  const why = ['sD', 'cD', 'SD', 'CD', '--', 'KD', ''].map((termination) => streamFault(call, termination));
  const none = undefined;
  assert.deepEqual(why, ['upstream-timeout', 'upstream-timeout', none, none, none, none, none]);
  assert.equal(streamFault(exampleCore, 'sD'), none);
  assert.deepEqual([hasLeft(call, 'CD'), hasLeft(call, 'SD'), hasLeft(exampleCore, 'CD')], [true, false, false]);
});
