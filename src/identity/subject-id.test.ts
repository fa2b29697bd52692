import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { subjectId } from './subject-id.ts';

const key = new Uint8Array(32).fill(7);

test('an id is 22 characters of base64url and stays the same', () => {
  const id = subjectId(key, 'https://issuer.example', 'alice');
  assert.match(id, /^[A-Za-z0-9_-]{22}$/);
  assert.equal(id, subjectId(key, 'https://issuer.example', 'alice'));
  assert.notEqual(id, subjectId(new Uint8Array(32), 'https://issuer.example', 'alice'));
});

test('issuer and subject never run into one another', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), fc.string(), (left, middle, right) => {
      assert.notEqual(subjectId(key, left + middle, right), subjectId(key, left, middle + right));
    }),
    { seed: 3 },
  );
});
