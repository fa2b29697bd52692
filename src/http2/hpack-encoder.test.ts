import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';

const decoder = (): HpackDecoder => new HpackDecoder({ listBytesMax: 1_000_000, fieldsMax: 1000 });

function encode(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  encoder.begin();
  for (let at = 0; at < fields.length; at += 2) assert.ok(encoder.add(fields[at] as string, fields[at + 1] as string));
  return Buffer.from(encoder.block.subarray(0, encoder.length));
}

const name = fc.oneof(
  fc.constantFrom('content-type', 'date', 'x-one', 'x-two', 'grpc-status', 'etag'),
  fc.stringMatching(/^[a-z0-9-]{1,40}$/).map((text) => `x-${text}`),
);
const unit = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f);
const value = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'application/grpc', 'v'.repeat(300), 'w'.repeat(1500)),
  fc.string({ unit: unit.map((code) => String.fromCharCode(code)), maxLength: 200 }),
);
const head = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat());

test('what is encoded is decoded as it was, over many blocks and sizes of the table', () => {
  const sizes = fc.option(fc.constantFrom(0, 60, 300, 4096, 100_000));
  const blocks = fc.array(fc.tuple(head, sizes), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(blocks, (made) => {
      const [encoder, reader] = [new HpackEncoder(), decoder()];
      for (const [fields, size] of made) {
        if (size !== null) encoder.resize(size);
        const block = encode(encoder, fields);
        assert.deepEqual(reader.decode(block, 0, block.length).fields, fields);
      }
    }),
    { seed: 20261121, numRuns: 300 },
  );
});

test('what comes again is one byte, what differs each time stays out of the table', () => {
  const encoder = new HpackEncoder();
  const sizes = Array.from(
    { length: 100 },
    (_, turn) => encode(encoder, ['x-token', 'same'.repeat(50), 'x-id', `id-${turn}`]).length,
  );
  assert.ok((sizes[0] ?? 0) > 200);
  assert.deepEqual(sizes.slice(3, 10), Array(7).fill(sizes[3]));
  assert.ok((sizes[99] ?? 99) < 20, `${sizes[99]}`);
});

test('names are sent in lower case', () => {
  const encoder = new HpackEncoder();
  const block = encode(encoder, ['Content-Type', 'a', 'X-Mine', 'b']);
  assert.deepEqual(decoder().decode(block, 0, block.length).fields, ['content-type', 'a', 'x-mine', 'b']);
});

test('a sensitive field never enters a table, and says so', () => {
  const encoder = new HpackEncoder();
  const reader = decoder();
  for (let turn = 0; turn < 3; turn += 1) {
    encoder.begin();
    encoder.add('authorization', 'secret', true);
    assert.equal(encoder.block[0], 0x1f);
    const found = reader.decode(Buffer.from(encoder.block.subarray(0, encoder.length)), 0, encoder.length);
    assert.deepEqual([...(found.sensitive ?? [])], ['authorization']);
  }
});

test('what HTTP can not carry is not sent', () => {
  const encoder = new HpackEncoder();
  encoder.begin();
  for (const bad of ['a\r\nb', '\0', 'snow \u2603', '\u010a']) assert.equal(encoder.add('x-bad', bad), false);
  assert.equal(encoder.length, 0);
});
