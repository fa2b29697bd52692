import assert from 'node:assert/strict';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesField } from '../../test/support/protobuf-bytes.ts';
import { startHeadgate } from './start.ts';
import { eventually, openWorkshop } from './testing/workshop.ts';

const sample = join(import.meta.dirname, '../../test/support/descriptors/orders.binpb');
const policy = `
version: 1
services: { orders: { protocol: grpc, descriptors: file:orders.binpb } }
rules: [ { name: anyone gets, allow: anyone, to: call, at: orders/acme.orders.v1.Orders/Get } ]
`;
/** The machine may be busy with other tests. */
const lateMs = 20_000;

test('a descriptor set is read beside its policy, and again when it changes', async () => {
  await using opening = new AsyncDisposableStack();
  const workshop = opening.adopt(await openWorkshop(), (it) => it.close());
  const file = join(workshop.folder, 'orders.binpb');
  await copyFile(sample, file);
  const environment = await readFile(workshop.environmentFile, 'utf8');
  await workshop.writeEnvironment(
    environment.replace('scoring: { endpoints: [ { rest: 127', 'orders: { endpoints: [ { grpc: 127'),
  );
  await workshop.writePolicy(policy);
  const lines: string[] = [];
  const headgate = await startHeadgate({ ...workshop, log: (line) => lines.push(line) });
  opening.defer(() => headgate.stop(1000));
  const methods = (): string[] => Object.keys(headgate.plan().access.services[0]?.methods ?? {});
  assert.equal(methods().length, 7);
  const before = headgate.plan().epoch;

  const more = bytesField(
    1,
    bytesField(1, 'more.proto'),
    bytesField(6, bytesField(1, 'More'), bytesField(2, bytesField(1, 'Ask'))),
  );
  await writeFile(`${file}.new`, Buffer.concat([await readFile(sample), more]));
  await rename(`${file}.new`, file);
  await eventually(() => methods().includes('More/Ask'), 'the new method is known', lateMs);
  assert.notEqual(headgate.plan().epoch, before);

  await rm(file);
  const isRejected = async () => (await headgate.status()).reload?.outcome === 'rejected';
  await eventually(isRejected, 'a set that is gone is not taken up', lateMs);
  assert.match(lines.join('\n'), /HG2130.*can't read the descriptor set `orders\.binpb`: there is no such file/);
  assert.equal(methods().length, 8);

  await copyFile(sample, file);
  await eventually(() => methods().length === 7, 'it is there again', lateMs);
});
