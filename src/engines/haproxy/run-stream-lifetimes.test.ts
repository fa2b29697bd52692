import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { type MadeCall, StreamClient } from '../../../test/support/stream-client.ts';
import { echo, type ServedCall, startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { endKept } from './orphans.ts';
import { socketDirectory } from './sockets.ts';
import { eventually, startStage } from './testing/stage.ts';
import { streamService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const stage = opened.use(await startStage(streamService([upstream.port])));
const path = '/acme.orders.v1.Orders/Watch';
const fields = ['authorization', `Bearer ${stage.token('ann')}`];
const message = frame(bytesField(1, Buffer.alloc(100, 'a')));

/** One message, and then nothing. */
function once(call: ServedCall): void {
  call.begin();
  call.send(message);
}

/** A call whose first message is there, and what the service sees of it. */
async function begin(client: StreamClient, serve = once): Promise<{ call: MadeCall; served: ServedCall }> {
  upstream.serve = serve;
  const count = upstream.calls.length;
  const call = client.call({ path, fields });
  call.write(message);
  await until(() => (call.bytesIn > 0 ? true : undefined));
  const served = upstream.calls[count] ?? assert.fail('no call came');
  return { call, served };
}

test('who cancels, or goes, is heard of at once by the service; also who has sent all', async () => {
  for (const isEnded of [false, true]) {
    using client = await StreamClient.open(stage.port);
    const { call, served } = await begin(client);
    if (isEnded) call.end();
    call.reset(errorCodes.cancel);
    await until(() => (served.code === undefined ? undefined : true));
    const gone = await begin(client);
    if (isEnded) gone.call.end();
    client.socket.destroy();
    await until(() => (gone.served.code === undefined ? undefined : true));
  }
});

test('what the service breaks off ends at the client at once', async () => {
  using client = await StreamClient.open(stage.port);
  const { call, served } = await begin(client);
  served.stream.reset(errorCodes.internal);
  await until(() => (call.code === undefined ? undefined : true));
  assert.equal(call.status, undefined);
});

test('a client that has no more time is told so, and the service was told how much it has', async () => {
  upstream.serve = () => undefined;
  using client = await StreamClient.open(stage.port);
  const startMs = performance.now();
  const call = client.call({ path, fields: [...fields, 'grpc-timeout', '400m'] });
  call.end(message);
  await until(() => call.head);
  assert.equal(call.status, '4');
  assert.match(call.field('grpc-message') ?? '', /not done within its deadline/);
  assert.ok(performance.now() - startMs < 3000);
  assert.deepEqual(upstream.calls.at(-1)?.values('grpc-timeout'), ['400m']);
});

test('a service that is silent for longer than it may be ends the call, and no sooner', async () => {
  await using own = await startStage(streamService([upstream.port], { upstream: { timeouts: { answerMs: 1500 } } }));
  using client = await StreamClient.open(own.port);
  upstream.serve = echo;
  const call = client.call({ path, fields: ['authorization', `Bearer ${own.token('ann')}`] });
  const startMs = performance.now();
  for (let turn = 0; turn < 4; turn += 1) {
    call.write(message);
    await until(() => (call.bytesIn === (turn + 1) * message.length ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  assert.equal(call.code, undefined);
  await until(() => (call.code === undefined ? undefined : true));
  assert.ok(performance.now() - startMs > 3500);
});

test('a reload ends no open call: the former process carries it on, under the policy of now', async () => {
  await using own = await startStage(streamService([upstream.port]));
  using client = await StreamClient.open(own.port);
  upstream.serve = echo;
  const call = client.call({ path, fields: ['authorization', `Bearer ${own.token('ann')}`] });
  call.write(message);
  await until(() => (call.bytesIn > 0 ? true : undefined));
  const changed = {
    ...own.plan,
    upstreams: own.plan.upstreams.map((each) => ({ ...each, timeouts: { answerMs: 60_000 } })),
  };
  await own.engine.swap(changed);
  assert.equal((await own.engine.status()).processes.length, 2);
  for (let turn = 2; turn < 5; turn += 1) {
    call.write(message);
    await until(() => (call.bytesIn === turn * message.length ? true : undefined));
  }
  assert.ok(client.isGoing, 'it was told to take another connection for further calls');
  await eventually(async () => (await own.engine.status()).streams?.open === 1 || undefined);
  await own.engine.swap({ ...changed, ...own.changed({ rules: [] }), upstreams: changed.upstreams });
  await until(() => (call.code === undefined ? undefined : true));
  assert.equal(call.code, errorCodes.cancel);
});

test('calls that an earlier life let in end when the next takes over', async () => {
  await using own = await startStage(streamService([upstream.port]));
  using client = await StreamClient.open(own.port);
  upstream.serve = echo;
  const call = client.call({ path, fields: ['authorization', `Bearer ${own.token('ann')}`] });
  call.write(message);
  await until(() => (call.bytesIn > 0 ? true : undefined));
  const [process] = (await own.engine.status()).processes;
  const sockets = socketDirectory(own.plan);
  const [socket = ''] = readdirSync(sockets).filter((name) => /^[0-9a-f]+\.\d+\.sock$/.test(name));
  await endKept([{ pid: process?.pid ?? 0, adminSocket: join(sockets, socket) }], () => undefined);
  await until(() => (call.code === undefined ? undefined : true));
  assert.equal(call.code, errorCodes.cancel);
});

test('a service that says so has its open calls ended with a status that says why, which the audit says, too', async () => {
  const streams = { end: 'status' } as const;
  await using own = await startStage(streamService([upstream.port], { upstream: { streams } }));
  using client = await StreamClient.open(own.port);
  const auth = ['authorization', `Bearer ${own.token('ann')}`];
  upstream.serve = echo;
  for (let turn = 0; turn < 2; turn += 1) {
    const well = client.call({ path, fields: auth });
    well.end(message);
    await until(() => well.trailers);
    assert.deepEqual([well.status, well.field('x-trailing'), well.bytesIn], ['0', 'two', message.length]);
    assert.deepEqual(upstream.calls.at(-1)?.values('x-forwarded-for'), ['127.0.0.1']);
  }
  assert.equal((await own.engine.status()).keptDecisions, 1);
  const sending = client.call({ path, fields: auth });
  const ended = client.call({ path, fields: auth });
  sending.write(message);
  upstream.serve = once;
  ended.end(message);
  await until(() => (sending.bytesIn > 0 && ended.bytesIn > 0 ? true : undefined));
  await own.engine.swap(own.changed({ rules: [] }));
  for (const call of [sending, ended]) {
    await until(() => call.trailers);
    assert.equal(call.status, '7');
    assert.match(call.field('grpc-message') ?? '', /no longer allows this call/);
  }
  sending.end();
  const records = await own.records(4);
  assert.deepEqual(records.map(({ core }) => [core.outcome, core.reason, core.grpcStatus]).sort(), [
    ...Array.from({ length: 2 }, () => ['allow', 'rule-allows', null]),
    ...Array.from({ length: 2 }, () => ['deny', 'access-ended', 7]),
  ]);
});
