import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import type { OpenedCall } from '../../audit/types.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { eventually, type Stage, startStage } from './testing/stage.ts';
import { streamService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const stage = opened.use(await startStage(streamService([upstream.port])));
const client = opened.use(await StreamClient.open(stage.port));
const path = '/acme.orders.v1.Orders/Watch';
const ann = ['authorization', `Bearer ${stage.token('ann')}`];
const message = (bytes: number): Buffer => frame(bytesField(1, Buffer.alloc(bytes, 'a')));

test('messages pass as they come, both ways, before either side has ended; asked about once', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    const call = client.call({
      path,
      fields: [...ann, 'x-bin', 'AAE=', 'x-many', 'a', 'x-many', 'b', 'x-headgate-subject', 'eve'],
    });
    await until(() => call.head);
    const served = upstream.calls.at(-1) ?? assert.fail('no call came');
    assert.deepEqual(
      [
        served.head.path,
        served.head.authority,
        served.values('x-many'),
        served.values('x-bin'),
        served.values('authorization'),
      ],
      [path, 'orders.test', ['a', 'b'], ['AAE='], []],
    );
    assert.deepEqual([served.values('x-headgate-subject'), served.values('te')], [['ann'], ['trailers']]);
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
  }
  assert.equal((await stage.engine.status()).keptDecisions, 1);
  assert.equal((await stage.engine.status()).questions, 1);
});

test('a call whose access ends while it is open is ended, at once; the service hears of it, and the audit says why', async () => {
  await using own = await startStage(streamService([upstream.port]));
  using caller = await StreamClient.open(own.port);
  const fields = ['authorization', `Bearer ${own.token('ann')}`];
  const call = caller.call({ path, fields });
  await until(() => call.head);
  const served = upstream.calls.at(-1);
  const fieldsOfBob = ['authorization', `Bearer ${own.token('bob')}`];
  const other = caller.call({ path, fields: fieldsOfBob });
  await until(() => other.head);
  const startMs = performance.now();
  await own.engine.swap(own.changed({ rules: [] }));
  await until(() => call.code);
  const tookMs = performance.now() - startMs;
  assert.equal(call.code, errorCodes.cancel);
  assert.ok(tookMs < 3000, `it took ${tookMs} ms`);
  await until(() => served?.code);
  const [record] = await own.records(1);
  assert.deepEqual([record?.core.outcome, record?.core.reason, record?.core.grpcStatus], ['deny', 'access-ended', 7]);
});

test('a call that is open for a while is told of, and stands in the status', async () => {
  await using own = await startStage(streamService([upstream.port]));
  using caller = await StreamClient.open(own.port);
  const call = caller.call({ path, fields: ['authorization', `Bearer ${own.token('ann')}`] });
  call.write(message(1000));
  await until(() => call.bytesIn >= 1000 || undefined);
  const { streams } = await eventually(async () => {
    const status = await own.engine.status();
    return status.streams?.open === 1 ? status : undefined;
  });
  const [shown] = streams?.oldest ?? [];
  assert.deepEqual([shown?.service, shown?.method, shown?.caller], ['orders', 'acme.orders.v1.Orders/Watch', 'ann']);
  assert.ok((shown?.bytesIn ?? 0) >= 1000 && (shown?.bytesOut ?? 0) >= 1000);
  const [opened] = await eventually(() => openedOf(own), 10_000);
  assert.equal(opened?.requestId, shown?.requestId);
  assert.deepEqual(
    [opened?.address, opened?.core.outcome, opened?.core.caller?.subject],
    ['127.0.0.1', 'allow', 'ann'],
  );
  call.end();
  const [record] = await own.records(1);
  assert.deepEqual([record?.requestId, record?.worker], [opened?.requestId, opened?.worker]);
});

/** The calls that the spool says were opened; undefined: none. */
function openedOf({ engine, plan }: Stage): OpenedCall[] | undefined {
  const spool = join(plan.state, 'spool');
  const files = readdirSync(spool).filter((name) => name.endsWith('.spool'));
  const lines = files.flatMap((name) => readFileSync(join(spool, name), 'utf8').split('\n').slice(0, -1));
  const calls = lines.flatMap((line) => {
    const read = engine.parseSpool(line);
    return 'opened' in read ? [read.opened] : [];
  });
  return calls.length === 0 ? undefined : calls;
}
