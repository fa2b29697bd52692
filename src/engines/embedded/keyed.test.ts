import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ByKey } from './keyed.ts';

const of = (text: string) => {
  const key = createHash('sha256').update(text).digest();
  return { key, name: key.toString('base64') };
};

test('what was added is found by its hash until it is deleted', () => {
  const keyed = new ByKey();
  const all = Array.from({ length: 5000 }, (_, index) => of(`${index}`));
  for (const each of all) keyed.add(each);
  assert.equal(keyed.get(of('4711')), all[4711]);
  assert.equal(keyed.get(of('nobody')), undefined);
  assert.equal(keyed.delete(of('4711')), false, 'another with the same hash is another');
  for (const each of all) assert.ok(keyed.delete(each));
  assert.deepEqual([keyed.get(of('4711')), keyed.all()], [undefined, []]);
});
