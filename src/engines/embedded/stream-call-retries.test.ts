import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { type MadeCall, StreamClient } from '../../../test/support/stream-client.ts';
import { type ServedCall, type StreamUpstream, startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { startStage } from './testing/stage.ts';
import { grpcService } from './testing/streams.ts';

const opened = openedHere();
const upstreams: StreamUpstream[] = [];
for (let at = 0; at < 2; at += 1) upstreams.push(opened.adopt(await startStreamUpstream(), (it) => it.close()));
const retries = { triesMax: 3, budgetPpm: 1_000_000 };
const methods = { 'acme.Orders/Get': { idempotent: true } } as const;
const options = grpcService(
  upstreams.map(({ port }) => port),
  { retries },
);
const stage = opened.use(
  await startStage({
    ...options,
    access: { ...options.access, services: [{ name: 'scoring', protocol: 'grpc', models: [], methods }] },
  }),
);
const client = opened.use(await StreamClient.open(stage.port));
const message = (bytes: number): Buffer => frame(bytesField(1, Buffer.alloc(bytes, 'a')));

/** The replica that comes first does the first, each other `then`. */
function first(once: (call: ServedCall) => void, then: (call: ServedCall) => void): () => number {
  let tries = 0;
  for (const upstream of upstreams) {
    upstream.serve = (call) => {
      tries += 1;
      if (tries === 1) once(call);
      else then(call);
    };
  }
  return () => tries;
}

async function ended(call: MadeCall): Promise<MadeCall> {
  await until(() => (call.code === undefined ? undefined : true));
  return call;
}

const answer = (call: ServedCall): void => {
  call.begin();
  call.onEnd = () => {
    call.send(call.bytes);
    call.end(0);
  };
};

test('a refused stream is begun anew with all that was sent, whatever the method is', async () => {
  const tries = first((call) => {
    call.onData = () => call.stream.reset(errorCodes.refusedStream);
  }, answer);
  const call = client.call({ path: '/acme.Orders/Put' });
  const sent = [message(10), message(9000), message(20)];
  call.write(sent[0] as Buffer);
  await until(() => (tries() === 2 ? true : undefined));
  call.write(sent[1] as Buffer);
  call.end(sent[2]);
  await ended(call);
  assert.deepEqual([call.status, call.bytes.equals(Buffer.concat(sent))], ['0', true]);
});

test('one that sent more than is kept is not', async () => {
  first((call) => {
    let bytes = 0;
    call.onData = (chunk) => {
      bytes += chunk.length;
      if (bytes > 50_000) call.stream.reset(errorCodes.refusedStream);
    };
  }, answer);
  const call = client.call({ path: '/acme.Orders/Put' });
  call.end(message(60_000));
  await ended(call);
  assert.equal(call.status, '14');
});

test('a method that may be repeated is, after UNAVAILABLE before any answer, as soon as the replica says', async () => {
  for (const [fields, tried] of [
    [[], 2],
    [['grpc-retry-pushback-ms', '20'], 2],
    [['grpc-retry-pushback-ms', '-1'], 1],
    [['grpc-retry-pushback-ms', '600000'], 1],
  ] as const) {
    const tries = first((call) => call.only(14, ...fields), answer);
    const call = client.call({ path: '/acme.Orders/Get' });
    call.end(message(3));
    await ended(call);
    assert.deepEqual([call.status, tries()], [tried === 2 ? '0' : '14', tried], fields.join());
  }
  const tries = first((call) => call.only(14), answer);
  const call = client.call({ path: '/acme.Orders/Put' });
  call.end(message(3));
  await ended(call);
  assert.deepEqual([call.status, tries()], ['14', 1]);
});

test('once an answer has begun, nothing is tried again', async () => {
  const tries = first((call) => {
    call.begin();
    setTimeout(() => call.end(14), 20);
  }, answer);
  const call = client.call({ path: '/acme.Orders/Get' });
  call.end(message(3));
  await ended(call);
  assert.deepEqual([call.status, tries()], ['14', 1]);
});

test('a replica that can not be reached is none, for each call', async () => {
  const unused = createServer();
  await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve));
  const { port } = unused.address() as { port: number };
  await new Promise((resolve) => unused.close(resolve));
  const [well] = upstreams as [StreamUpstream];
  well.serve = answer;
  await using other = await startStage(grpcService([port, well.port], { retries }));
  using caller = await StreamClient.open(other.port);
  for (let turn = 0; turn < 6; turn += 1) {
    const call = caller.call({ path: '/acme.Orders/Put' });
    call.end(message(turn));
    await ended(call);
    assert.deepEqual([call.status, call.bytes.equals(message(turn))], ['0', true]);
  }
  await using none = await startStage(grpcService([port], { retries }));
  using left = await StreamClient.open(none.port);
  const call = left.call({ path: '/acme.Orders/Put' });
  call.end(message(1));
  await ended(call);
  assert.equal(call.status, '14');
});

test('a replica that says goodbye serves what it has, and gets nothing new', async () => {
  for (const upstream of upstreams) upstream.serve = answer;
  const calls = [client.call({ path: '/acme.Orders/Put' }), client.call({ path: '/acme.Orders/Put' })];
  for (const call of calls) await until(() => call.head);
  for (const upstream of upstreams) upstream.goaway();
  const after = client.call({ path: '/acme.Orders/Put' });
  for (const call of [...calls, after]) {
    call.end(message(5));
    await ended(call);
    assert.deepEqual([call.status, call.bytes.equals(message(5))], ['0', true]);
  }
});
