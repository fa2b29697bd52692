import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { startStage } from './testing/stage.ts';
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
