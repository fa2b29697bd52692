import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { HeldMessage } from './held-message.ts';

test('what comes in pieces is held as one, and the pieces may be used again', () => {
  for (const size of [1, 5, 300, 20_000, 65_536, 90_000]) {
    const body = randomBytes(size);
    for (const piece of [1, 7, 16_384, size]) {
      const held = new HeldMessage();
      for (let at = 0; at < size && at < 3000 * piece; at += piece) {
        const chunk = Buffer.from(body.subarray(at, at + piece));
        held.add(chunk, at + piece > 5 ? size : 0);
        chunk.fill(0);
      }
      assert.ok(held.take().equals(body.subarray(0, 3000 * piece)), `${size} in pieces of ${piece}`);
      assert.equal(held.take().length, 0);
    }
  }
});

test('a frame that promises much gets no memory for that', () => {
  const held = new HeldMessage();
  held.add(Buffer.alloc(100), 60_000);
  assert.notEqual(held.take().buffer.byteLength, 60_000);
});
