import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { frame } from './testing/frames.ts';

type Told = (string | number | boolean)[];

/** What a reader tells, with pieces of one payload joined. */
function told(chunks: readonly Buffer[]): Told[] {
  const found: Told[] = [];
  let payload = '';
  const sink: FrameSink = {
    dataBegins: (streamId, length) => {
      payload = '';
      found.push(['data', streamId, length]);
    },
    data: (chunk) => {
      payload += chunk.toString('hex');
    },
    dataEnds: (isLast, unused) => void found.push([payload, isLast, unused]),
    frame: ({ type, flags, streamId, bytes, at, end }) =>
      void found.push([type, flags, streamId, bytes.toString('hex', at, end)]),
  };
  const reader = new FrameReader(sink);
  for (const chunk of chunks) reader.push(chunk);
  return found;
}

function split(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
}

const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const padded = fc
  .tuple(payload, fc.nat(255), fc.boolean())
  .map(([bytes, padding, isLast]) => ({ bytes, padding, isLast, streamId: 1 }));
const plain = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(255), fc.nat(99), payload);

test('frames come as they were sent, however they are split', () => {
  const frames = fc.array(fc.oneof(plain, padded), { maxLength: 20 });
  const sizes = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 100 });
  fc.assert(
    fc.property(frames, sizes, (made, cuts) => {
      const wanted: Told[] = [];
      const sent = made.map((one) => {
        if (Array.isArray(one)) {
          const [type, flags, streamId, bytes] = one;
          wanted.push([type, flags, streamId, bytes.toString('hex')]);
          return frame(type, flags, streamId, bytes);
        }
        const { bytes, padding, isLast, streamId } = one;
        const whole = Buffer.concat([Buffer.of(padding), bytes, Buffer.alloc(padding)]);
        wanted.push(['data', streamId, whole.length], [bytes.toString('hex'), isLast, padding + 1]);
        return frame(0, isLast ? 9 : 8, streamId, whole);
      });
      assert.deepEqual(told(split(Buffer.concat(sent), cuts)), wanted);
    }),
    { seed: 20261121, numRuns: 500 },
  );
});

test('frames that are none', () => {
  const head = Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1]);
  assert.throws(() => told([head]), /frame too large/);
  assert.throws(() => told([frame(0, 8, 1)]), /padded frame/);
  assert.throws(() => told([frame(0, 8, 1, Buffer.of(5, 0, 0))]), /padding longer/);
});
