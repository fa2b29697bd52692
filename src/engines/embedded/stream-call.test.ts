import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { readStatus } from '../../../test/support/rpc-status.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { echo, startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { startStage } from './testing/stage.ts';
import { grpcService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const stage = opened.use(await startStage(grpcService([upstream.port])));
const client = opened.use(await StreamClient.open(stage.port));
const path = '/acme.orders.v1.Orders/Watch';
const message = (bytes: number): Buffer => frame(bytesField(1, Buffer.alloc(bytes, 'a')));

test('messages pass as they come, both ways, before either side has ended', async () => {
  const call = client.call({ path, fields: ['x-bin', 'AAE=', 'x-many', 'a', 'x-many', 'b'] });
  await until(() => call.head);
  const served = upstream.calls.at(-1);
  assert.deepEqual(
    [served?.head.path, served?.head.authority, served?.values('x-many'), served?.values('x-bin')],
    [path, 'orders.test', ['a', 'b'], ['AAE=']],
  );
  assert.equal(call.field('x-initial'), 'one');
  for (const bytes of [1, 10, 100_000]) {
    const sent = message(bytes);
    call.received.length = 0;
    call.write(sent);
    await until(() => (call.bytes.length === sent.length ? true : undefined));
    assert.ok(call.bytes.equals(sent));
  }
  call.end();
  await until(() => call.trailers);
  assert.deepEqual([call.status, call.field('x-trailing'), call.field('grpc-message')], ['0', 'two', 'well']);
  await until(() => (call.code === errorCodes.none ? true : undefined));
});

test('half of it may end: the client sends no more and is still answered', async () => {
  upstream.serve = (served) => {
    served.begin();
    served.onEnd = () => served.send(message(3));
  };
  const call = client.call({ path });
  call.end(message(2));
  await until(() => (call.bytes.length > 0 ? true : undefined));
  const served = upstream.calls.at(-1);
  assert.deepEqual([served?.isEnded, served?.bytes.equals(message(2)), call.trailers], [true, true, undefined]);
  served?.send(message(4));
  served?.end(9, 'grpc-status-details-bin', 'CAkSAmhp');
  await until(() => call.trailers);
  assert.ok(call.bytes.equals(Buffer.concat([message(3), message(4)])));
  assert.deepEqual([call.status, call.field('grpc-status-details-bin')], ['9', 'CAkSAmhp']);
});

test('the service may end first, and an answer that is one head stays one', async () => {
  upstream.serve = (served) => served.only(5, 'x-why', 'gone', 'grpc-status-details-bin', 'CAUSAA');
  const call = client.call({ path });
  call.write(message(1));
  await until(() => (call.code === errorCodes.none ? true : undefined));
  assert.deepEqual([call.status, call.field('x-why'), call.trailers], ['5', 'gone', undefined]);
  assert.equal(call.field('grpc-status-details-bin'), 'CAUSAA');
  assert.match(call.field('x-headgate-request-id') ?? '', /./);
});

test('a client that leaves is heard of at once, and so is a service that breaks off', async () => {
  upstream.serve = (served) => served.begin();
  const left = client.call({ path });
  await until(() => left.head);
  left.reset(errorCodes.cancel);
  const served = upstream.calls.at(-1);
  await until(() => served?.wasCancelled || undefined);
  for (const [code, status] of [
    [errorCodes.cancel, '1'],
    [errorCodes.internal, '13'],
    [errorCodes.enhanceYourCalm, '8'],
  ] as const) {
    for (const hasBegun of [false, true]) {
      upstream.serve = (each) => {
        if (hasBegun) each.begin();
        else each.stream.reset(code);
      };
      const call = client.call({ path });
      if (hasBegun) {
        await until(() => call.head);
        upstream.calls.at(-1)?.stream.reset(code);
      }
      await until(() => call.status);
      assert.equal(call.status, status);
      assert.match(
        call.field('grpc-message') ?? '',
        /^The service broke the call off with code \d+ of HTTP\/2 \(\S+\)$/,
      );
    }
  }
});

test('a connection to the service that breaks ends its calls as unavailable', async () => {
  upstream.serve = (served) => served.begin();
  const call = client.call({ path });
  await until(() => call.head);
  upstream.calls.at(-1)?.stream.connection.socket.destroy();
  await until(() => call.status);
  assert.equal(call.status, '14');
});

test('an answer that is no gRPC is said to be one, with a status for its own', async () => {
  for (const [status, type, grpcStatus] of [
    ['404', 'text/html', '12'],
    ['401', 'text/html', '16'],
    ['403', 'text/html', '7'],
    ['400', 'text/html', '13'],
    ['504', 'text/html', '14'],
    ['418', 'application/grpc', '2'],
    ['200', 'text/html', '2'],
  ] as const) {
    upstream.serve = (served) => {
      served.stream.head([':status', status, 'content-type', type]);
      served.send(Buffer.from('<p>nothing of this is for a client of gRPC'));
    };
    const call = client.call({ path });
    call.end(message(1));
    await until(() => call.code === errorCodes.none || undefined);
    const id = call.field('x-headgate-request-id') ?? '?';
    assert.deepEqual([call.head?.status, call.status, call.bytesIn], [200, grpcStatus, 0], status);
    assert.match(call.field('grpc-message') ?? '', /^The service answered with /);
    assert.ok(call.field('grpc-message')?.endsWith(`(${id})`));
    assert.deepEqual(readStatus(call.field('grpc-status-details-bin') ?? ''), {
      code: Number(grpcStatus),
      message: call.field('grpc-message'),
      info: { reason: 'UPSTREAM_NOT_GRPC', domain: 'headgate', metadata: { request_id: id } },
    });
    await until(() => upstream.calls.at(-1)?.code);
  }
  // A status of gRPC's own is what counts.
  upstream.serve = (served) => served.stream.head([':status', '503', 'grpc-status', '8'], true);
  const call = client.call({ path });
  await until(() => call.status);
  assert.equal(call.status, '8');
});

test('what is left of a deadline goes on, and ends the call', async () => {
  upstream.serve = (served) => served.begin();
  const call = client.call({ path, fields: ['grpc-timeout', '300m'] });
  await until(() => call.status);
  assert.equal(call.status, '4');
  const [told = ''] = upstream.calls.at(-1)?.values('grpc-timeout') ?? [];
  const leftUs = Number(told.slice(0, -1)) * (told.endsWith('u') ? 1 : 1000);
  assert.ok(leftUs > 0 && leftUs < 300_000, told);
  await until(() => upstream.calls.at(-1)?.wasCancelled || undefined);
  const bad = client.call({ path, fields: ['grpc-timeout', 'soon'] });
  await until(() => bad.status);
  assert.equal(bad.status, '3');
});

test('messages are as large as the bound says, and streams of them larger', async () => {
  upstream.serve = echo;
  const call = client.call({ path });
  const sent = message(5_000_000);
  call.write(sent);
  await until(() => (call.bytesIn === sent.length ? true : undefined));
  assert.ok(call.bytes.equals(sent));
  call.write(sent);
  await until(() => (call.bytesIn === 2 * sent.length ? true : undefined));
  call.write(Buffer.of(0, 0x7f, 0, 0, 0));
  await until(() => call.status);
  assert.equal(call.status, '8');
});
