import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageCount } from './message-count.ts';

function frame(bytes: number): Buffer {
  const made = Buffer.alloc(5 + bytes, 7);
  made[0] = bytes % 2;
  made.writeUInt32BE(bytes, 1);
  return made;
}

test('messages are counted, however they are split', () => {
  const sizes = fc.array(fc.nat(300), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (lengths, steps) => {
      const bytes = Buffer.concat(lengths.map(frame));
      const count = new MessageCount();
      const ends = new Set(lengths.map((_each, at) => Buffer.concat(lengths.slice(0, at + 1).map(frame)).length));
      let largest = 0;
      for (let at = 0, step = 0; at < bytes.length; step += 1) {
        const end = Math.min(bytes.length, at + (steps[step % steps.length] as number));
        largest = Math.max(largest, count.push(bytes.subarray(at, end)));
        assert.equal(count.isBetween, ends.has(end));
        at = end;
      }
      assert.equal(count.messages, lengths.length);
      assert.equal(largest, Math.max(0, ...lengths));
    }),
    { seed: 6 },
  );
});
