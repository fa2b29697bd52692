import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, openCaller, predictPath, spec, testPassing, testTls } from '../../../test/support/grpc-scene.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { frame, modelName, modelSpec } from '../../../test/support/protobuf-bytes.ts';
import { reasonTold } from '../../../test/support/rpc-status.ts';
import { grpcTimeoutMs } from '../../wire/index.ts';
import { eventually, startStage } from './testing/stage.ts';

const opened = openedHere();
const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const stage = opened.use(await startStage({ replicas: [1], grpc: [upstream.port] }));
const caller = openCaller(opened, stage.port);
const { client, call, send } = caller;

test('a small call goes through, its trailers with it', async () => {
  const made = message(100);
  const end = await call(made, { 'x-headgate-subject': 'mallory', 'grpc-timeout': '5S', 'x-mine': 'a' });
  assert.deepEqual([end.status, end.grpcStatus, end.reset], [200, '0', 0]);
  assert.deepEqual(end.trailers?.['x-trailing'], 'b, c');
  assert.equal(end.headers['x-initial'], 'a');
  assert.match(String(end.headers['x-headgate-request-id']), /^\S+$/);
  assert.equal(end.body.length, 7);
  const ran = upstream.ran.at(-1) ?? assert.fail('nothing was run');
  assert.ok(ran.message.equals(made));
  assert.deepEqual(ran.models, [{ model: 'm' }]);
  const { te, 'grpc-timeout': timeout, 'x-mine': mine, 'x-headgate-subject': subject } = ran.headers;
  assert.deepEqual([te, mine, subject], ['trailers', 'a', undefined]);
  const leftMs = grpcTimeoutMs(String(timeout)) ?? 0;
  assert.ok(leftMs > 0 && leftMs < 5000, `${timeout}`);
  assert.equal(ran.headers['x-forwarded-for'], '127.0.0.1');
});

testPassing(upstream, caller);
testTls(upstream, async (own, tls) => own.use(await startStage({ replicas: [1], grpc: [upstream.port], tls })));

test('a refusal is Trailers-Only, with a status, a sentence and the id', async () => {
  const end = await send({ chunks: [frame(modelSpec(modelName('n')))] });
  assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly, end.reset], [200, '16', true, 0]);
  const id = String(end.headers['x-headgate-request-id']);
  const sentence = 'This call needs a credential and the request carries none.';
  assert.equal(end.headers['grpc-message'], `${sentence} (${id})`);
  assert.equal(reasonTold(end), 'CREDENTIAL_MISSING');
  assert.equal(end.headers['content-type'], 'application/grpc');
});

test('a large message that turns out dishonest is refused, and the replica never had it whole', async () => {
  const before = upstream.ran.length;
  const tail = modelSpec(modelName('n'));
  const made = frame(Buffer.concat([message(3_000_000), tail]));
  const end = await send({ chunks: [made] });
  assert.deepEqual([end.grpcStatus, end.isTrailersOnly], ['3', true]);
  const short = frame(message(3_000_000)).subarray(0, -1);
  assert.equal((await send({ chunks: [short] })).grpcStatus, '3');
  const more = Buffer.concat([frame(message(3_000_000)), Buffer.alloc(1)]);
  assert.equal((await send({ chunks: [more] })).grpcStatus, '3');
  await eventually(() => upstream.reset >= 3 || undefined);
  assert.equal(upstream.ran.length, before);
});

test('a client that leaves is heard upstream', async () => {
  const before = upstream.reset;
  const made = frame(message(200_000));
  const end = await send({ chunks: [made.subarray(0, 150_000)], isOpen: true, cancelMs: 100 });
  assert.equal(end.status, undefined);
  await eventually(() => upstream.reset > before || undefined);
});

test('a replica that resets or hangs up is UNAVAILABLE', async () => {
  const reset = await call(message(1), { 'x-answer': 'reset' });
  assert.deepEqual([reset.grpcStatus, reset.isTrailersOnly], ['14', true]);
  const half = await call(message(1), { 'x-answer': 'half' });
  assert.deepEqual([half.grpcStatus, half.body.length], ['14', 0], 'what came of an answer is not passed on as one');
  const broken = await call(message(1), { 'x-answer': 'broken' });
  assert.deepEqual([broken.grpcStatus, broken.reset], [undefined, 2], 'an answer that has begun is broken off');
  const hangUp = await call(message(1), { 'x-answer': 'hang-up' });
  assert.equal(hangUp.grpcStatus, '14');
  assert.equal((await call(message(1))).grpcStatus, '0', 'the next one is served');
});

test('a goodbye of the replica loses no call', async () => {
  for (let round = 0; round < 5; round += 1) {
    const calls = Array.from({ length: 20 }, () => call(message(1000)));
    upstream.goaway();
    for (const end of await Promise.all(calls)) assert.equal(end.grpcStatus, '0');
  }
});

test('many calls share one connection', async () => {
  const before = upstream.sessions;
  const ends = await Promise.all(Array.from({ length: 100 }, () => call(message(500))));
  assert.ok(ends.every(({ grpcStatus }) => grpcStatus === '0'));
  assert.ok(upstream.sessions - before <= 2, `${upstream.sessions - before} connections`);
});

test('each call is one line, with what the service answered', async () => {
  const count = (await stage.records(1)).length;
  await call(message(1), { 'x-answer': 'status:9', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
  await send({ chunks: [frame(modelSpec(modelName('n')))] });
  await send({ chunks: [frame(spec, 1)] });
  const cancelled = frame(message(10));
  await send({ chunks: [cancelled.subarray(0, 10)], isOpen: true, cancelMs: 20 });
  const records = (await stage.records(count + 4)).slice(-4);
  const told = records.map(({ core, timing }) => {
    const { operation, model, outcome, reason, status, grpcStatus } = core;
    return [operation, model, outcome, reason, status, grpcStatus, timing.grpcStatus];
  });
  assert.deepEqual(told, [
    ['predict', 'm', 'allow', 'rule-allows', 200, null, 9],
    ['predict', 'n', 'deny', 'credential-missing', 200, 16, undefined],
    [null, null, 'deny', 'message-compressed', 200, 12, undefined],
    [null, null, 'deny', 'request-malformed', 0, 3, undefined],
  ]);
  assert.equal(records[0]?.core.traceId, 'a'.repeat(32));
  assert.equal(records[0]?.timing.bytesIn, frame(message(1)).length);
});

test('gRPC over HTTP/1.1, and other paths of gRPC, are no operation', async () => {
  const http1 = await fetch(`http://127.0.0.1:${stage.port}${predictPath}`, {
    method: 'POST',
    headers: { 'content-type': 'application/grpc' },
    body: frame(spec),
  });
  assert.equal(http1.status, 403);
  assert.match(await http1.text(), /"operation-unknown"/);
  const other = await client.call('/tensorflow.serving.PredictionService/Other', { chunks: [frame(spec)] });
  assert.equal(other.grpcStatus, '7');
  const rest = await client.call('/v1/models/m:predict', { chunks: [frame(spec)] });
  assert.equal(rest.grpcStatus, '7');
  const crooked = await client.call(`/a/..${predictPath}`, { chunks: [frame(spec)] });
  assert.equal(crooked.grpcStatus, '3');
});

test('a body over the bound, a limit that is used up, and replicas that are not there', async () => {
  const limits = [{ count: 2, periodMs: 60_000, burst: 2, per: 'caller' }] as const;
  const dead = await startGrpcUpstream();
  await dead.close();
  await using own = new AsyncDisposableStack();
  const grpc = [dead.port, upstream.port];
  const small = own.use(await startStage({ replicas: [1, 1], grpc, bodyBytesMax: 100_000, limits }));
  const there = openCaller(own, small.port);
  assert.equal((await there.call(message(100_000))).grpcStatus, '8');
  assert.equal((await there.call(message(99_900))).grpcStatus, '0');
  assert.equal((await there.call(message(1))).grpcStatus, '0', 'the replica that is not there is passed over');
  const limited = await there.call(message(1));
  assert.deepEqual([limited.grpcStatus, limited.headers['retry-after']], ['8', '30']);
  assert.equal(limited.headers['ratelimit-policy'], '"caller";q=2;w=60');
  const none = own.use(await startStage({ replicas: [1], grpc: [dead.port] }));
  const nobody = openCaller(own, none.port);
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await nobody.call(message(1))).grpcStatus, '14');
});
