import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { RawGrpc } from '../../../test/support/grpc-client.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { reasonTold } from '../../../test/support/rpc-status.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { call, startStage } from './testing/stage.ts';
import { streamService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const limits = [{ count: 1, periodMs: 60_000, burst: 3, per: 'caller' }] as const;
const stage = opened.use(await startStage(streamService([upstream.port], { rule: { limits } })));
const client = opened.use(await StreamClient.open(stage.port));
const path = '/acme.orders.v1.Orders/Watch';
const bearer = (subject: string): readonly string[] => ['authorization', `Bearer ${stage.token(subject)}`];
const message = frame(bytesField(1, Buffer.alloc(100, 'a')));

test('a refusal is Trailers-Only, at once, and a client that is still sending is not reset', async () => {
  const cases = [
    ['16', []],
    ['3', [...bearer('ann'), 'grpc-timeout', 'soon']],
  ] as const;
  for (const [status, fields] of cases) {
    for (const isOpen of [true, false]) {
      const made = client.call({ path, fields });
      made.write(message);
      if (!isOpen) made.end();
      await until(() => made.head);
      assert.deepEqual([made.head?.status, made.status, made.trailers], [200, status, undefined]);
      const id = made.field('x-headgate-request-id') ?? '';
      assert.ok(made.field('grpc-message')?.endsWith(`(${id})`), made.field('grpc-message'));
      assert.equal(made.field('content-type'), 'application/grpc');
      const details = Buffer.from(made.field('grpc-status-details-bin') ?? '', 'base64').toString('latin1');
      assert.ok(details.includes('google.rpc.ErrorInfo') && details.includes(id), details);
      assert.ok(made.stream.isRemoteEnded);
      made.write(message);
      made.end();
      await until(() => (made.code === undefined ? undefined : true));
      assert.equal(made.code, errorCodes.none);
    }
  }
  const records = await stage.records(4);
  assert.deepEqual(
    records.map(({ core }) => [core.outcome, core.reason, core.grpcStatus]),
    [
      ...Array.from({ length: 2 }, () => ['deny', 'credential-missing', 16]),
      ...Array.from({ length: 2 }, () => ['deny', 'request-malformed', 3]),
    ],
  );
});

test('a limit is for calls, and says when to come again', async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    const made = client.call({ path, fields: bearer('carl') });
    await until(() => made.head);
    assert.equal(made.status, turn < 3 ? undefined : '8');
    if (turn >= 3) assert.equal(made.field('retry-after'), '60');
    made.end();
    await until(() => (made.code === undefined ? undefined : true));
  }
});

test('what is no gRPC call is 415', async () => {
  const answer = await call(stage.port, path, stage.token('ann'));
  assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [415, 'not-grpc']);
  const session = connect(`http://127.0.0.1:${stage.port}`);
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
  stream.end('{}');
  const status = await new Promise((resolve) => stream.on('response', (found) => resolve(found[':status'])));
  session.close();
  assert.equal(status, 415);
});

test('an answer that is no gRPC is said as gRPC says it', async () => {
  using raw = new RawGrpc(`http://127.0.0.1:${stage.port}`);
  const cases = [
    ['400', '13'],
    ['401', '16'],
    ['403', '7'],
    ['404', '12'],
    ['429', '14'],
    ['503', '14'],
    ['500', '2'],
    ['200', '2'],
  ] as const;
  for (const [turn, [status, expected]] of cases.entries()) {
    upstream.serve = ({ stream }) => {
      stream.head([':status', status, 'content-type', 'text/html']);
      stream.end(Buffer.from('<html>'));
    };
    const authorization = `Bearer ${stage.token(`dora${turn}`)}`;
    const end = await raw.call(path, { headers: { authorization }, chunks: [message] });
    assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly, end.reset], [200, expected, true, 0], status);
    const what = status === '200' ? 'something that is no gRPC' : `HTTP status ${status}`;
    const id = String(end.headers['x-headgate-request-id']);
    assert.equal(end.headers['grpc-message'], `The service answered with ${what} (${id})`);
    assert.equal(reasonTold(end), 'UPSTREAM_NOT_GRPC');
  }
});
