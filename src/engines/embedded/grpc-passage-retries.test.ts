import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { test } from 'node:test';
import { RawGrpc } from '../../../test/support/grpc-client.ts';
import { message, openCaller, predictPath as predict } from '../../../test/support/grpc-scene.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { frame } from '../../../test/support/protobuf-bytes.ts';
import { grpcTimeoutMs } from '../../wire/index.ts';
import { eventually, startStage } from './testing/stage.ts';

const opened = openedHere();
const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const carried = { timeouts: { deadlineMs: 30_000 }, retries: { triesMax: 2, budgetPpm: 1_000_000 } };
const stage = opened.use(await startStage({ replicas: [1], grpc: [upstream.port], upstream: carried }));
const { client } = openCaller(opened, stage.port);

/** How it ended, and how often it was run. */
async function called(
  answer: string,
  { bytes = 10, headers = {} }: { bytes?: number; headers?: Record<string, string> } = {},
) {
  const before = upstream.ran.length;
  const end = await client.call(predict, {
    chunks: [frame(message(bytes))],
    headers: { 'x-answer': answer, ...headers },
  });
  return { end, runs: upstream.ran.length - before };
}

test('UNAVAILABLE before any message is tried again; another status, or one behind a message, is not', async () => {
  for (const how of ['trailers-only:14', 'empty:14', 'http:503', 'http:502', 'pushback:0', 'pushback:30']) {
    const { end, runs } = await called(`first=${how}`);
    assert.deepEqual([end.grpcStatus, end.body.length, runs], ['0', 7, 2], how);
  }
  const [record] = (await stage.records(6)).slice(-1);
  assert.deepEqual([record?.timing.tries, record?.timing.grpcStatus], [2, 0]);
});

test('what is not to be tried again is not', async () => {
  await using fresh = await startStage({ replicas: [1], grpc: [upstream.port], upstream: carried });
  await using other = new RawGrpc(`http://127.0.0.1:${fresh.port}`);
  for (const how of ['trailers-only:5', 'empty:4', 'status:14', 'pushback:-1', 'pushback:60000', 'http:500']) {
    const before = upstream.ran.length;
    await other.call(predict, { chunks: [frame(message(10))], headers: { 'x-answer': `first=${how}` } });
    assert.equal(upstream.ran.length - before, 1, how);
  }
  const before = upstream.ran.length;
  const large = await other.call(predict, {
    chunks: [frame(message(20_000))],
    headers: { 'x-answer': 'first=trailers-only:14' },
  });
  assert.deepEqual([large.grpcStatus, upstream.ran.length - before], ['14', 1]);
  const stays = await other.call(predict, {
    chunks: [frame(message(10))],
    headers: { 'x-answer': 'trailers-only:14' },
  });
  assert.deepEqual(
    [stays.grpcStatus, stays.headers['grpc-message'], upstream.ran.length - before],
    ['14', 'said so', 3],
  );
});

test('the smaller of client’s and service’s deadline counts, and goes upstream less what is gone', async () => {
  const sent = async (headers: Record<string, string>): Promise<number> => {
    await called('', { headers });
    return grpcTimeoutMs(String(upstream.ran.at(-1)?.headers['grpc-timeout'])) ?? 0;
  };
  const [own, theirs, longer] = [
    await sent({}),
    await sent({ 'grpc-timeout': '20S' }),
    await sent({ 'grpc-timeout': '1H' }),
  ];
  assert.ok(own > 20_000 && own < 30_000, `${own}`);
  assert.ok(theirs > 10_000 && theirs < 20_000, `${theirs}`);
  assert.ok(longer > 20_000 && longer < 30_000, `${longer}`);
});

test('when it passes, the call ends and the replica is told at once', async () => {
  const before = upstream.cancelled;
  const startedMs = performance.now();
  const { end } = await called('silent', { headers: { 'grpc-timeout': '250m' } });
  const tookMs = performance.now() - startedMs;
  assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly], [200, '4', true]);
  assert.ok(tookMs >= 249 && tookMs < 2000, `${tookMs}`);
  await eventually(() => upstream.cancelled > before || undefined);
  const record = (await stage.records(1)).at(-1);
  assert.deepEqual([record?.core.reason, record?.core.grpcStatus], ['deadline-exceeded', 4]);
  assert.equal(record?.timing.endpoint, `127.0.0.1:${upstream.port}`);
});

test('no time at all, and what is no time', async () => {
  const none = await called('', { headers: { 'grpc-timeout': '0m' } });
  assert.deepEqual([none.end.grpcStatus, none.runs], ['4', 0]);
  for (const timeout of ['5', 'soon', '-1S', '123456789S', '1S, 2S']) {
    const { end, runs } = await called('', { headers: { 'grpc-timeout': timeout } });
    assert.deepEqual([end.grpcStatus, runs], ['3', 0], timeout);
  }
});

test('how long a replica may be silent, and how long it may take to be there, are the plan’s', async () => {
  await using mute = createTcp((socket) => socket.on('error', () => undefined).resume());
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const retries = { triesMax: 1, budgetPpm: 0 };
  await using silent = await startStage({
    ...{ replicas: [1], grpc: [upstream.port] },
    upstream: { retries, timeouts: { answerMs: 200 } },
  });
  await using unmet = await startStage({
    ...{ replicas: [1], grpc: [(mute.address() as AddressInfo).port] },
    upstream: { retries, timeouts: { connectMs: 200 } },
  });
  for (const [{ port, records }, status, reason] of [
    [silent, '4', 'upstream-timeout'],
    [unmet, '14', 'upstream-unavailable'],
  ] as const) {
    await using raw = new RawGrpc(`http://127.0.0.1:${port}`);
    const startedMs = performance.now();
    const end = await raw.call(predict, { chunks: [frame(message(10))], headers: { 'x-answer': 'silent' } });
    const tookMs = performance.now() - startedMs;
    assert.deepEqual([end.grpcStatus, (await records(1))[0]?.core.reason], [status, reason]);
    assert.ok(tookMs >= 199 && tookMs < 2000, `${tookMs}`);
  }
});
