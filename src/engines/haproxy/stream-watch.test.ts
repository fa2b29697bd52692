import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { type MadeCall, StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { until } from '../../http2/testing/server.ts';
import { type Stage, startStage } from './testing/stage.ts';
import { streamService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const path = '/acme.orders.v1.Orders/Watch';
const message = frame(bytesField(1, Buffer.alloc(100, 'a')));

async function begin({ port, token }: Stage, client: StreamClient, expSeconds?: number): Promise<MadeCall> {
  assert.ok(port > 0);
  const claims = expSeconds === undefined ? {} : { exp: Math.floor(Date.now() / 1000) + expSeconds };
  const call = client.call({ path, fields: ['authorization', `Bearer ${token('ann', claims)}`] });
  call.write(message);
  await until(() => (call.bytesIn > 0 ? true : undefined));
  return call;
}

test('an open call outlives its credential, unless the rule says that it does not', async () => {
  for (const streamsUntil of [undefined, 'expiry'] as const) {
    const rule = streamsUntil === undefined ? {} : { streamsUntil };
    await using stage = await startStage(streamService([upstream.port], { rule }));
    using client = await StreamClient.open(stage.port);
    // The identity grants 30 s of skew.
    const short = await begin(stage, client, -28);
    const long = await begin(stage, client);
    const endMs = performance.now() + 6000;
    while (short.code === undefined && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(short.code === undefined, streamsUntil === undefined);
    assert.equal(long.code, undefined);
    if (streamsUntil === undefined) continue;
    const [record] = await stage.records(1);
    assert.deepEqual([record?.core.reason, record?.core.grpcStatus], ['credential-ended', 16]);
  }
});

test('methods known to be unary are not looked at; the others are, kept or asked about', async () => {
  const methods = { 'acme.orders.v1.Orders/Watch': { streaming: 'no' } } as const;
  for (const service of [{ methods }, {}]) {
    await using stage = await startStage(streamService([upstream.port], { service }));
    using client = await StreamClient.open(stage.port);
    const calls = [await begin(stage, client), await begin(stage, client)];
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { streams } = await stage.engine.status();
    assert.equal(streams?.open, 'methods' in service ? 0 : calls.length);
  }
});
