import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedHere } from '../../test/support/opened.ts';
import { StreamClient } from '../../test/support/stream-client.ts';
import { errorCodes } from './index.ts';
import { startServer, until } from './testing/server.ts';

const opened = openedHere();

test('a carrier is not told to stop sending when a stream has ended: its client ends its side, or has a second for it', async () => {
  const carrying = await startServer(
    (stream) => {
      stream.head([':status', '200']);
      stream.end(undefined, ['grpc-status', '5']);
    },
    { isCarrier: true },
  );
  opened.defer(() => carrying.close());
  using client = await StreamClient.open(carrying.port);
  const [ending, silent] = [client.call({ path: '/a' }), client.call({ path: '/b' })];
  for (const call of [ending, silent]) {
    await until(() => call.trailers);
    assert.deepEqual([call.status, call.code], ['5', undefined]);
    call.write(Buffer.alloc(300_000));
  }
  ending.end();
  await until(() => (ending.code === undefined ? undefined : true));
  await until(() => (silent.code === undefined ? undefined : true));
  assert.deepEqual([ending.code, silent.code], [errorCodes.none, errorCodes.none]);
  for (const connection of carrying.connections) assert.equal(connection.streams.size, 0);
});
