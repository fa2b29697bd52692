import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { until } from '../../http2/testing/server.ts';
import type { ConnectionAgePlan, Plan } from '../../plan/types.ts';
import { eventually, startStage } from './testing/stage.ts';
import { grpcService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const path = '/acme.Orders/Watch';
const message = frame(bytesField(1, Buffer.from('hello')));

test('a drain lets open calls go on until its grace is over, then says so', async () => {
  const stage = await startStage(grpcService([upstream.port]));
  using client = await StreamClient.open(stage.port);
  const [ending, staying] = [client.call({ path }), client.call({ path })];
  await until(() => (ending.head && staying.head ? true : undefined));
  const before = performance.now();
  const stopped = stage.engine.stop(1500);
  await until(() => client.isGoing || undefined);
  ending.end(message);
  await until(() => ending.status);
  assert.deepEqual([ending.status, ending.bytes.equals(message), staying.status], ['0', true, undefined]);
  await until(() => staying.status);
  assert.ok(performance.now() - before > 1450);
  assert.equal(staying.status, '14');
  assert.match(staying.field('grpc-message') ?? '', /Send it again/);
  await stopped;
  const records = await stage.records(2);
  assert.deepEqual(
    records.map(({ core }) => core.reason),
    ['rule-allows', 'gateway-draining'],
  );
  await stage.stop();
});

test('a listener that goes lets its calls go on, and a drain after that ends them, too', async () => {
  const stage = await startStage(grpcService([upstream.port]));
  using client = await StreamClient.open(stage.port);
  const call = client.call({ path });
  await until(() => call.head);
  const { plan, engine } = stage;
  await engine.swap({ ...plan, listeners: plan.listeners.map((listener) => ({ ...listener, name: 'other' })) });
  await until(() => client.isGoing || undefined);
  call.write(message);
  await until(() => (call.bytesIn === message.length ? true : undefined));
  const stopped = engine.stop(500);
  await until(() => call.status);
  assert.equal(call.status, '14');
  await stopped;
  await stage.stop();
});

const aged = (plan: Plan, connectionAge: ConnectionAgePlan): Plan => ({
  ...plan,
  listeners: plan.listeners.map((listener) => ({ ...listener, connectionAge })),
});

test('a connection of some age is told to go, and what is open has its grace', async () => {
  await using stage = await startStage(grpcService([upstream.port]));
  using before = await StreamClient.open(stage.port);
  await stage.engine.swap(aged(stage.plan, { afterMs: 1000 }));
  using client = await StreamClient.open(stage.port);
  const call = client.call({ path });
  await until(() => client.isGoing || undefined);
  call.write(message);
  await until(() => (call.bytesIn === message.length ? true : undefined));
  await stage.engine.swap(aged(stage.plan, { afterMs: 1000, graceMs: 1000 }));
  using other = await StreamClient.open(stage.port);
  const cut = other.call({ path });
  await until(() => cut.status);
  assert.deepEqual([cut.status, other.isGoing], ['14', true]);
  call.end();
  await until(() => call.status);
  assert.equal(call.status, '0');
  await until(() => client.isClosed || undefined);
  assert.equal(before.isGoing, false);
});

test('a call that is silent both ways ends when its service says, not its connection', async () => {
  await using stage = await startStage(grpcService([upstream.port], { timeouts: { answerMs: 400 } }));
  using client = await StreamClient.open(stage.port);
  const [silent, moving] = [client.call({ path }), client.call({ path })];
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
    moving.write(message);
  }, 50);
  await until(() => silent.status);
  assert.equal(silent.status, '4');
  // Beyond where it counts as open for long.
  await until(() => (ticks > 60 ? true : undefined));
  assert.equal(moving.status, undefined);
  clearInterval(ticking);
  moving.end();
  await until(() => moving.status);
  assert.equal(moving.status, '0');
});

test('calls are spread one by one, also those of clients that were there before a replica joined', async () => {
  const more = [];
  for (let at = 0; at < 3; at += 1) more.push(opened.adopt(await startStreamUpstream(), (it) => it.close()));
  const [first, second, joins] = more as [typeof upstream, typeof upstream, typeof upstream];
  const plain = grpcService([first.port, second.port]);
  await using stage = await startStage(plain);
  const clients: StreamClient[] = [];
  for (let at = 0; at < 4; at += 1) clients.push(opened.use(await StreamClient.open(stage.port)));
  const round = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) {
      const calls = [1, 2, 3, 4, 5].flatMap(() => clients.map((client) => client.call({ path })));
      for (const call of calls) call.end(message);
      for (const call of calls) await until(() => call.status);
    }
  };
  await round(5);
  const states = more.map(({ port }) => ({ grpc: { host: '127.0.0.1', port }, isUp: true, lacks: [] }));
  await stage.engine.setReplicas?.({ scoring: states });
  await eventually(() => round(1).then(() => joins.calls.length > 0 || undefined), 30_000);
  for (const each of more) each.calls.length = 0;
  await round(20);
  const counts = more.map(({ calls }) => calls.length);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  assert.ok(Math.max(...counts) <= 1.2 * mean, counts.join());
});
