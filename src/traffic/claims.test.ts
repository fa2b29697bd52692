import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Claims, claimed, claimMemory, unclaimable } from './claims.ts';

const keyOf = (text: string): Buffer => createHash('sha256').update(text).digest();

test('a key is of who was first, until that one lets go of it', () => {
  const memory = claimMemory();
  const [one, other] = [new Claims(memory, 0), new Claims(memory, 1)];
  assert.equal(one.claim(keyOf('a')), claimed);
  assert.deepEqual([other.claim(keyOf('a')), one.claim(keyOf('a'))], [0, 0]);
  assert.equal(other.claim(keyOf('b')), claimed);
  other.release(keyOf('a'));
  assert.equal(other.claim(keyOf('a')), 0, 'nobody lets go for another');
  one.release(keyOf('a'));
  assert.equal(other.claim(keyOf('a')), claimed);
});

test('what a thread that ended had claimed is free again, its locks too', () => {
  const memory = claimMemory();
  const [one, other] = [new Claims(memory, 0), new Claims(memory, 1)];
  for (let key = 0; key < 100; key += 1) assert.equal(one.claim(keyOf(`${key}`)), claimed);
  new Int32Array(memory)[0] = 1;
  new Claims(memory).forget(0);
  for (let key = 0; key < 100; key += 1) assert.equal(other.claim(keyOf(`${key}`)), claimed);
  assert.equal(new Int32Array(memory)[0], 0);
});

test('where there is no room nothing is claimed', () => {
  const claims = new Claims(claimMemory(), 0);
  const keys = Array.from({ length: 17 }, (_, index) => {
    const key = Buffer.alloc(32);
    key.writeInt32LE(index, 0);
    return key;
  });
  const said = keys.map((key) => claims.claim(key));
  assert.deepEqual([said.filter((each) => each === claimed).length, said.at(-1)], [16, unclaimable]);
});
