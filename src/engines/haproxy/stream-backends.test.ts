import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { type StreamUpstream, startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { startStage } from './testing/stage.ts';
import { streamService } from './testing/streams.ts';

const opened = openedHere();
const upstreams: StreamUpstream[] = [];
for (let index = 0; index < 3; index += 1) {
  upstreams.push(opened.adopt(await startStreamUpstream(), (it) => it.close()));
}
const ports = upstreams.map(({ port }) => port);
const path = '/acme.orders.v1.Orders/Get';
const message = frame(bytesField(1, Buffer.alloc(100, 'a')));

test('calls are spread, not connections: one that joins has its share of calls on connections that were there before', async () => {
  await using stage = await startStage(streamService(ports.slice(0, 2)));
  const fields = ['authorization', `Bearer ${stage.token('ann')}`];
  const clients = await Promise.all([1, 2, 3, 4].map(() => StreamClient.open(stage.port)));
  const shares = async (calls: number): Promise<number[]> => {
    const before = upstreams.map((each) => each.calls.length);
    const one = async (client: StreamClient): Promise<void> => {
      const call = client.call({ path, fields });
      call.end(message);
      await until(() => call.trailers);
    };
    for (let made = 0; made < calls; made += clients.length) await Promise.all(clients.map(one));
    return upstreams.map((each, index) => each.calls.length - (before[index] ?? 0));
  };
  try {
    const [first = 0, second = 0] = await shares(100);
    assert.ok(Math.max(first, second) <= 60, `${first} and ${second}`);
    const replica = (port: number) => ({ grpc: { host: '127.0.0.1', port }, isUp: true, lacks: [] });
    await stage.engine.setReplicas?.({ orders: ports.map(replica) });
    const spread = await shares(300);
    assert.ok(Math.max(...spread) <= 120, spread.join());
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

test('a replica that cannot be reached is passed over, whatever is being sent', async () => {
  const [port = 0] = ports;
  const closed = await portOfNobody();
  await using stage = await startStage(streamService([closed, port]));
  using client = await StreamClient.open(stage.port);
  for (let turn = 0; turn < 4; turn += 1) {
    const call = client.call({ path, fields: ['authorization', `Bearer ${stage.token('ann')}`] });
    call.write(message);
    await until(() => (call.bytesIn === message.length ? true : undefined));
    call.end();
    await until(() => call.trailers);
    assert.equal(call.status, '0');
  }
});

test('a call that the service refuses to begin upon reaches the client so, which may send it again', async () => {
  const [port = 0] = ports;
  await using stage = await startStage(streamService([port]));
  using client = await StreamClient.open(stage.port);
  const [upstream] = upstreams;
  if (upstream !== undefined) upstream.serve = ({ stream }) => stream.reset(errorCodes.refusedStream);
  const call = client.call({ path, fields: ['authorization', `Bearer ${stage.token('ann')}`] });
  call.write(message);
  await until(() => call.code);
  assert.equal(call.code, errorCodes.refusedStream);
});

function portOfNobody(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
