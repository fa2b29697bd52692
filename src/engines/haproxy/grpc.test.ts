import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { RawGrpc } from '../../../test/support/grpc-client.ts';
import {
  type Caller,
  message,
  openCaller,
  predictPath,
  spec,
  testPassing,
  testTls,
} from '../../../test/support/grpc-scene.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { frame, modelName, modelSpec, modelVersion } from '../../../test/support/protobuf-bytes.ts';
import { reasonTold } from '../../../test/support/rpc-status.ts';
import { haproxyVersion } from './binary.ts';
import { breaksAnswers } from './streams-apart.ts';
import {
  call as callRest,
  eventually,
  predict,
  type Stage,
  type StageOptions,
  startStage,
  testRule,
} from './testing/stage.ts';

const opened = openedHere();
const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const access = { rules: [testRule({ versions: 'any' })] };
const stage = opened.use(await startStage({ grpc: [upstream.port], access }));
const ann = annOf(stage);
const caller = openCaller(opened, stage.port, { fields: ann });
const { call, send } = caller;
const stranger = openCaller(opened, stage.port);

function annOf({ token }: Stage): { readonly authorization: string } {
  return { authorization: `Bearer ${token('ann')}` };
}

/** A stage of a test's own, and ann before it. */
async function openOwn(own: AsyncDisposableStack, options: StageOptions): Promise<Stage & Caller> {
  const started = own.use(await startStage({ grpc: [upstream.port], ...options }));
  return { ...started, ...openCaller(own, started.port, { fields: annOf(started) }) };
}

test('a small call goes through, asked about once, its trailers with it', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    const made = message(100);
    const end = await call(made, { 'x-headgate-subject': 'mallory', 'grpc-timeout': '5S', 'x-mine': 'a' });
    assert.deepEqual([end.status, end.grpcStatus, end.reset], [200, '0', 0]);
    assert.deepEqual(end.trailers?.['x-trailing'], 'b, c');
    assert.equal(end.headers['x-initial'], 'a');
    assert.match(String(end.headers['x-headgate-request-id']), /^\S+$/);
    const ran = upstream.ran.at(-1) ?? assert.fail('nothing was run');
    assert.ok(ran.message.equals(made));
    const { te, 'grpc-timeout': timeout, 'x-mine': mine, 'x-headgate-subject': subject, authorization } = ran.headers;
    assert.deepEqual([te, timeout, mine, subject, authorization], ['trailers', '5S', 'a', 'ann', undefined]);
    assert.equal(ran.headers['x-forwarded-for'], '127.0.0.1');
  }
  assert.equal((await stage.engine.status()).keptDecisions, 1);
});

test('a call is given up when its client has no more time, and is told so', async () => {
  for (const [timeout, atMostMs] of [
    ['300m', 3000],
    ['200000u', 3000],
    ['1n', 3000],
    ['1S', 4000],
  ] as const) {
    const startMs = performance.now();
    const end = await call(message(10), { 'grpc-timeout': timeout, 'x-answer': 'silent' });
    const tookMs = performance.now() - startMs;
    assert.deepEqual([end.status, end.grpcStatus, end.reset], [200, '4', 0], timeout);
    assert.match(String(end.headers['grpc-message']), /not done within its deadline/);
    assert.equal(reasonTold(end), 'DEADLINE_EXCEEDED');
    assert.ok(tookMs < atMostMs, `${timeout} took ${tookMs} ms`);
  }
  const records = await stage.records(4);
  const late = records.filter(({ core }) => core.reason === 'deadline-exceeded');
  assert.deepEqual(
    late.map(({ core }) => [core.outcome, core.grpcStatus]),
    Array.from({ length: 4 }, () => ['deny', 4]),
  );
  assert.equal((await call(message(10), { 'grpc-timeout': 'soon' })).grpcStatus, '3');
  assert.equal((await call(message(10), { 'grpc-timeout': '99999999H' })).grpcStatus, '0');
});

test('REST is served on the same port, and is another question', async () => {
  assert.equal((await callRest(stage.port, predict('m'), stage.token('ann'))).status, 200);
});

testPassing(upstream, caller);
testTls(upstream, async (own, tls) => {
  const secured = own.use(await startStage({ grpc: [upstream.port], tls }));
  return { port: secured.port, fields: annOf(secured) };
});

test('a refusal is Trailers-Only, with a status, a sentence and the id', async () => {
  const made = frame(modelSpec(modelName('n')));
  const cases = [
    [stranger, '16', 'This call needs a credential and the request carries none.'],
    [caller, '7', undefined],
  ] as const;
  for (const [by, status, sentence] of cases) {
    const end = await by.send({ chunks: [made] });
    assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly, end.reset], [200, status, true, 0]);
    const id = String(end.headers['x-headgate-request-id']);
    assert.ok(String(end.headers['grpc-message']).endsWith(` (${id})`));
    if (sentence !== undefined) assert.equal(end.headers['grpc-message'], `${sentence} (${id})`);
    assert.equal(end.headers['content-type'], 'application/grpc');
    assert.equal(reasonTold(end), status === '16' ? 'CREDENTIAL_MISSING' : 'NO_RULE_ALLOWS');
  }
});

test('a kept permit is for the model and the version that the message names', async () => {
  assert.equal((await call(message(5))).grpcStatus, '0');
  assert.equal(
    (await call(Buffer.concat([modelSpec(modelName('n')), message(5).subarray(spec.length)]))).grpcStatus,
    '7',
  );
  const versioned = await call(modelSpec(modelName('m'), modelVersion(3)));
  assert.equal(versioned.grpcStatus, '0');
  assert.deepEqual(upstream.ran.at(-1)?.models, [{ model: 'm', version: '3' }]);
});

test('a dishonest message is refused, small or large, and the replica never had it whole', async () => {
  const before = upstream.ran.length;
  for (const bytes of [10, 3_000_000]) {
    const twice = frame(Buffer.concat([message(bytes), modelSpec(modelName('n'))]));
    const short = frame(message(bytes)).subarray(0, -1);
    const more = Buffer.concat([frame(message(bytes)), Buffer.alloc(1)]);
    for (const body of [twice, short, more]) {
      const end = await send({ chunks: [body] });
      assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly], [200, '3', true]);
      assert.equal(end.headers['content-type'], 'application/grpc');
      assert.equal(reasonTold(end), body === twice ? 'MESSAGE_AMBIGUOUS' : 'MESSAGE_MALFORMED');
    }
  }
  const compressed = await send({ chunks: [frame(message(10), 1)] });
  assert.deepEqual([compressed.grpcStatus, compressed.headers['grpc-accept-encoding']], ['12', 'identity']);
  assert.equal(upstream.ran.length, before);
});

test('trailers of a request are refused, small or large: identity could stand there', async () => {
  const before = upstream.ran.length;
  for (const bytes of [10, 300_000]) {
    // A connection for each: trailers on a call that was answered in the meantime cost it.
    using own = new RawGrpc(`http://127.0.0.1:${stage.port}`);
    const fields = {
      ':method': 'POST',
      ':path': predictPath,
      te: 'trailers',
      'content-type': 'application/grpc',
      ...ann,
    };
    const stream = own.session.request(fields, { waitForTrailers: true });
    const answered = new Promise((resolve) => stream.on('response', (headers) => resolve(headers['grpc-status'])));
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-headgate-subject': 'root' }));
    stream.on('error', () => undefined);
    stream.end(frame(message(bytes)));
    assert.equal(await answered, '3');
  }
  assert.equal(upstream.ran.length, before);
});

test('what is too large by its frame is refused at once', async () => {
  const head = frame(message(10), 0, 64 * 1024 * 1024);
  const end = await send({ chunks: [head, Buffer.alloc(100_000)] });
  assert.deepEqual([end.grpcStatus, end.isTrailersOnly, reasonTold(end)], ['8', true, 'BODY_TOO_LARGE']);
});

test('grpc-js is served, and told why it is refused', async () => {
  const js = new Client(`127.0.0.1:${stage.port}`, credentials.createInsecure());
  const made = (body: Buffer): Promise<ServiceError | Buffer | undefined> =>
    new Promise((resolve) => {
      const same = (bytes: Buffer): Buffer => bytes;
      js.makeUnaryRequest(predictPath, same, same, body, (error, value) => resolve(error ?? value));
    });
  try {
    const refused = await made(message(10));
    assert.ok(refused !== undefined && 'code' in refused);
    assert.equal(refused.code, 16);
    assert.match(refused.details, /^This call needs a credential and the request carries none\. \(\S+\)$/);
    for (const bytes of [10, 300_000]) {
      const twice = await made(Buffer.concat([message(bytes), spec]));
      assert.ok(twice !== undefined && 'code' in twice);
      assert.equal(twice.code, bytes === 10 ? 3 : 16, twice.details);
    }
  } finally {
    js.close();
  }
});

test('a limit is RESOURCE_EXHAUSTED, and says when to come again', async () => {
  const limits = [{ count: 1, periodMs: 60_000, burst: 1, per: 'caller' }] as const;
  await using opening = new AsyncDisposableStack();
  const own = await openOwn(opening, { limits });
  assert.equal((await own.call(spec)).grpcStatus, '0');
  // The last one is refused while it is under way.
  for (const made of [spec, message(200_000)]) {
    const end = await own.call(made);
    assert.deepEqual([end.grpcStatus, end.headers['retry-after'], end.isTrailersOnly], ['8', '60', true]);
    assert.equal(end.headers['ratelimit-policy'], '"caller";q=1;w=60');
    assert.equal(reasonTold(end), 'LIMIT_EXCEEDED');
  }
  const [, refused] = (await own.records(3)).map((record) => record.core);
  assert.deepEqual([refused?.reason, refused?.grpcStatus], ['limit-exceeded', 8]);
});

test('a client that leaves is heard upstream', async () => {
  const before = upstream.reset;
  const made = frame(message(200_000));
  await send({ chunks: [made.subarray(0, 150_000)], isOpen: true, cancelMs: 100 });
  await eventually(() => upstream.reset > before || undefined);
});

test('a replica that resets or hangs up is a stream that the client may send again, which gRPC calls UNAVAILABLE', async () => {
  for (const how of ['reset', 'hang-up']) assert.equal((await call(message(1), { 'x-answer': how })).reset, 7, how);
  assert.equal((await call(message(1))).grpcStatus, '0', 'the next one is served');
});

test('a replica that is not there is UNAVAILABLE', async () => {
  await using opening = new AsyncDisposableStack();
  const own = await openOwn(opening, { grpc: [1] });
  for (let turn = 0; turn < 2; turn += 1) {
    const end = await own.call(spec);
    assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly], [200, '14', true]);
    assert.equal(reasonTold(end), 'UPSTREAM_UNAVAILABLE');
    assert.equal(end.headers['x-headgate-reason'], undefined);
  }
  const [core] = (await own.records(2)).map((record) => record.core);
  assert.deepEqual([core?.reason, core?.grpcStatus, core?.status], ['upstream-unavailable', 14, 200]);
});

test('a message that does not come is given up', { timeout: 20_000 }, async () => {
  const end = await send({ chunks: [frame(message(100)).subarray(0, 50)], isOpen: true });
  assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly], [200, '4', true]);
  assert.equal(reasonTold(end), 'REQUEST_TIMEOUT');
});

test('after a goodbye of the replica a call is served, or may be sent again', async () => {
  for (let round = 0; round < 5; round += 1) {
    const calls = Array.from({ length: 20 }, () => call(message(1000)));
    upstream.goaway();
    for (const end of await Promise.all(calls)) assert.ok(end.grpcStatus === '0' || end.reset === 7);
  }
});

test('many calls share few connections', async () => {
  const version = (await haproxyVersion()) ?? assert.fail('HAProxy is missing');
  // Where it needs calls kept apart, 64 of each backend.
  const [calls, most] = breaksAnswers(version) ? [400, 3 * 64] : [100, 4];
  const before = upstream.sessions;
  const ends = await Promise.all(Array.from({ length: calls }, () => call(message(500))));
  assert.ok(ends.every(({ grpcStatus }) => grpcStatus === '0'));
  assert.ok(upstream.sessions - before <= most, `${upstream.sessions - before} connections`);
});

test('the audit says what was asked, and with which status it was refused', async () => {
  await using opening = new AsyncDisposableStack();
  const own = await openOwn(opening, { bodyBytesMax: 100_000 });
  const sent = [
    frame(spec),
    frame(modelSpec(modelName('n'))),
    frame(Buffer.concat([spec, spec])),
    frame(message(200_000)),
    frame(Buffer.concat([message(90_000), spec])),
  ];
  for (const body of sent) await own.send({ chunks: [body] });
  const cores = (await own.records(5)).map(({ core }) => core);
  assert.deepEqual(
    cores.map(({ status, reason, grpcStatus, model }) => [status, reason, grpcStatus, model]),
    [
      [200, 'rule-allows', null, 'm'],
      [200, 'no-rule-allows', 7, 'n'],
      [200, 'message-ambiguous', 3, null],
      [200, 'body-too-large', 8, null],
      [200, 'message-ambiguous', 3, 'm'],
    ],
  );
  assert.deepEqual([cores[2]?.method, cores[2]?.path, cores[2]?.outcome], ['POST', predictPath, 'deny']);
});

test('a message that is long in coming is not taken for a call that left no line', async () => {
  await using opening = new AsyncDisposableStack();
  const own = await openOwn(opening, {});
  const body = frame(message(2000));
  const chunks = [0, 450, 900, 1350, 1800].map((from) => body.subarray(from, from === 1800 ? body.length : from + 450));
  assert.equal((await own.send({ chunks, pauseMs: 1000 })).grpcStatus, '0');
  assert.equal((await own.engine.status()).unrecordedCalls, 0);
});
