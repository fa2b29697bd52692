import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  lengthPrefixed,
  readHeadersBinary,
  readSpopFrame,
  SpopError,
  type SpopFrame,
  SpopReader,
  SpopSplitter,
  spopFrameBytes,
  varintBytes,
} from './index.ts';

const seeded = { seed: 20261121, numRuns: 300 };
/** Plain objects, as the codec makes them. */
const record = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const data = fc.oneof(
  fc.constant({ kind: 'null' } as const),
  record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
  record({
    kind: fc.constantFrom('int32' as const, 'int64' as const),
    value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  }),
  record({ kind: fc.constantFrom('uint32' as const, 'uint64' as const), value: fc.bigInt(0n, 2n ** 64n - 1n) }),
  record({ kind: fc.constant('ipv4' as const), value: fc.ipV4() }),
  record({ kind: fc.constant('string' as const), value: latin1 }),
  record({
    kind: fc.constant('binary' as const),
    value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  }),
);
const list = fc.array(fc.tuple(latin1, data), { maxLength: 8 });
const id = fc.bigInt(0n, 2n ** 64n - 1n);
const scope = fc.constantFrom('process' as const, 'session' as const, 'transaction' as const, 'request' as const);
const frame: fc.Arbitrary<SpopFrame> = fc.oneof(
  record({ kind: fc.constantFrom('haproxy-hello' as const, 'agent-hello' as const), list }),
  record({
    kind: fc.constant('notify' as const),
    streamId: id,
    frameId: id,
    messages: fc.array(record({ name: latin1, args: list }), { maxLength: 3 }),
  }),
  record({
    kind: fc.constant('ack' as const),
    streamId: id,
    frameId: id,
    actions: fc.array(
      fc.oneof(
        record({ kind: fc.constant('set-var' as const), scope, name: latin1, value: data }),
        record({ kind: fc.constant('unset-var' as const), scope, name: latin1 }),
      ),
      { maxLength: 5 },
    ),
  }),
);

test('variable-length integers are the specification’s', () => {
  const sizes: [number, number][] = [
    [0, 1],
    [239, 1],
    [240, 2],
    [2287, 2],
    [2288, 3],
    [264431, 3],
    [264432, 4],
    [33818863, 4],
    [33818864, 5],
  ];
  for (const [value, size] of sizes) {
    assert.equal(varintBytes(value).length, size, String(value));
    assert.equal(new SpopReader(varintBytes(value)).varint(), BigInt(value));
  }
  assert.deepEqual([...varintBytes(240)], [0xf0, 0x00]);
});

test('every frame is read as it was written', () => {
  fc.assert(
    fc.property(frame, (written) => {
      assert.deepEqual(readSpopFrame(spopFrameBytes(written).subarray(4)), written);
    }),
    seeded,
  );
});

test('IPv6 addresses come as Node writes them', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      fc.pre(!address.includes('.'));
      const value = new URL(`http://[${address}]`).hostname.slice(1, -1);
      const written: SpopFrame = { kind: 'agent-hello', list: [['src', { kind: 'ipv6', value }]] };
      assert.deepEqual(readSpopFrame(spopFrameBytes(written).subarray(4)), written);
    }),
    seeded,
  );
});

test('frames are cut alike however the stream is split', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(200)), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(spopFrameBytes));
      const splitter = new SpopSplitter(1 << 20);
      const seen: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        seen.push(...splitter.push(stream.subarray(at, at + cut)));
        at = Math.min(stream.length, at + cut);
      }
      seen.push(...splitter.push(stream.subarray(at)));
      assert.deepEqual(seen.map(readSpopFrame), frames);
    }),
    seeded,
  );
});

test('any bytes give a frame or a SpopError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        readSpopFrame(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof SpopError);
      }
    }),
    seeded,
  );
});

test('a frame cut short is refused', () => {
  fc.assert(
    fc.property(frame, fc.nat(), (written, cut) => {
      const bytes = spopFrameBytes(written).subarray(4);
      const short = bytes.subarray(0, cut % bytes.length);
      try {
        assert.notDeepEqual(readSpopFrame(short), written);
      } catch (error) {
        assert.ok(error instanceof SpopError);
      }
    }),
    seeded,
  );
});

test('a frame longer than agreed is refused', () => {
  assert.throws(() => new SpopSplitter(16).push(Buffer.from([0, 0, 0, 17])), SpopError);
});

test('a frame in fragments is refused', () => {
  assert.throws(() => readSpopFrame(Buffer.from([3, 0, 0, 0, 0, 1, 1])), SpopError);
});

test('header fields are read as HAProxy writes them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(latin1, latin1)), (pairs) => {
      const fields = pairs.filter(([name]) => name !== '').flat();
      const bytes = Buffer.concat([...fields, '', ''].map(lengthPrefixed));
      assert.deepEqual(readHeadersBinary(bytes), fields);
    }),
    seeded,
  );
});
