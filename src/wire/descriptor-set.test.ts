import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { bytesField } from '../../test/support/protobuf-bytes.ts';
import { DescriptorError, readDescriptorSet } from './descriptor-set.ts';

const folder = join(import.meta.dirname, '../../test/support/descriptors');
const written = readFileSync(join(folder, 'orders.binpb'));

const fileBytes = (name: string, ...fields: readonly Buffer[]): Buffer =>
  bytesField(1, bytesField(1, name), bytesField(2, 'a.b'), ...fields);
const service = (name: string, ...methods: readonly string[]): Buffer =>
  bytesField(6, bytesField(1, name), ...methods.map((method) => bytesField(2, bytesField(1, method))));

test('reads what protoc has written', () => {
  const { methods, missing } = readDescriptorSet(written);
  assert.deepEqual(
    methods.map(({ name, idempotent, streaming }) => `${name} ${streaming}${idempotent ? ' idempotent' : ''}`),
    [
      'acme.orders.v1.Orders/Get no idempotent',
      'acme.orders.v1.Orders/Put no idempotent',
      'acme.orders.v1.Orders/Create no',
      'acme.orders.v1.Orders/Watch server',
      'acme.orders.v1.Orders/Import client',
      'acme.orders.v1.Orders/Trade both',
      'acme.orders.v1.Archive/Get no',
    ],
  );
  assert.deepEqual(missing, []);
});

test('the sample is of the file beside it, as another library reads that', () => {
  const loaded = Object.entries(loadSync('orders.proto', { includeDirs: [folder] }));
  const expected = loaded.flatMap(([name, definition]) =>
    'format' in definition ? [] : Object.keys(definition).map((method) => `${name}/${method}`),
  );
  const found = readDescriptorSet(written).methods.map(({ name }) => name);
  assert.deepEqual(found.toSorted(), expected.toSorted());
});

test('says which imports are not there', () => {
  const set = readDescriptorSet(fileBytes('a.proto', bytesField(3, 'b.proto'), service('S', 'M')));
  assert.deepEqual(set.missing, [{ file: 'b.proto', importedBy: 'a.proto' }]);
  assert.deepEqual(set.methods, [{ name: 'a.b.S/M', idempotent: false, streaming: 'no' }]);
});

test('says why bytes are no descriptor set', () => {
  const cases = [
    [Buffer.alloc(0), 'it holds no file'],
    [readFileSync(join(folder, 'orders.proto')), 'it is no message of Protocol Buffers'],
    [Buffer.from('{"file":[]}'), 'it is no message of Protocol Buffers'],
    [written.subarray(0, -1), 'it ends within a field'],
    [Buffer.of(8, 1), 'a field is of another kind'],
    [Buffer.of(10), 'it ends within a field'],
    [Buffer.from([8, ...new Array<number>(10).fill(0xff)]), 'it ends within a field'],
    [bytesField(1, bytesField(2, 'a.b')), 'one of its files has no name'],
    [bytesField(1, bytesField(1, Buffer.of(0xff))), 'a name is not UTF-8'],
    [bytesField(1, Buffer.of(8, 1)), 'a field is of another kind'],
    [fileBytes('a.proto', service('')), 'a service has no name'],
    [fileBytes('a.proto', service('S', 'a/b')), 'a method of a.b.S has no name'],
    [fileBytes('a.proto', service('S', 'M', 'M')), 'it declares a.b.S/M twice'],
  ] as const;
  for (const [bytes, message] of cases) assert.throws(() => readDescriptorSet(bytes), new DescriptorError(message));
});

test('whatever the bytes are, there is an answer', () => {
  const mutated = fc
    .tuple(fc.nat(written.length - 1), fc.uint8Array({ maxLength: 8 }), fc.nat(8))
    .map(([at, put, cut]) => Buffer.concat([written.subarray(0, at), put, written.subarray(at + cut)]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
      try {
        readDescriptorSet(bytes);
      } catch (fault) {
        assert.ok(fault instanceof DescriptorError, String(fault));
      }
    }),
    { seed: 7, numRuns: 2000 },
  );
});
