import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawGrpc } from '../../../test/support/grpc-client.ts';
import { message as prediction, predictPath } from '../../../test/support/grpc-scene.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { until } from '../../http2/testing/server.ts';
import { haproxy } from './index.ts';
import { call, predict, startStage, testRule } from './testing/stage.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const models = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const orders = { service: 'orders', endpoints: [{ grpc: { host: '127.0.0.1', port: upstream.port } }] };

test('a listener may have models and streams: each route leads to its kind', async () => {
  await using stage = await startStage({
    grpc: [models.port],
    routes: [
      { host: 'orders.test', service: 'orders', strip: false },
      { pathPrefix: '/more', service: 'orders', strip: true },
      { service: 'scoring', strip: false },
    ],
    access: {
      services: [
        { name: 'scoring', protocol: 'tensorflow-serving', models: ['m'] },
        { name: 'orders', protocol: 'grpc', models: [] },
      ],
      rules: [testRule(), testRule({ index: 1, name: 'orders', resources: [{ service: 'orders', segments: ['**'] }] })],
    },
    run: (context) =>
      haproxy.run({ ...context, plan: { ...context.plan, upstreams: [...context.plan.upstreams, orders] } }),
  });
  const authorization = `Bearer ${stage.token('ann')}`;
  using client = await StreamClient.open(stage.port);
  using raw = new RawGrpc(`http://127.0.0.1:${stage.port}`);
  const sent = frame(bytesField(1, Buffer.alloc(100, 'a')));
  for (let turn = 0; turn < 3; turn += 1) {
    for (const [path, authority] of [
      ['/acme.orders.v1.Orders/Watch', 'orders.test'],
      ['/more/acme.orders.v1.Orders/Watch', 'models.test'],
    ] as const) {
      const made = client.call({ path, authority, fields: ['authorization', authorization] });
      made.write(sent);
      await until(() => (made.bytesIn === sent.length ? true : undefined));
      assert.equal(upstream.calls.at(-1)?.head.path, '/acme.orders.v1.Orders/Watch');
      made.end();
      await until(() => made.trailers);
      assert.equal(made.status, '0');
    }
    const end = await raw.call(predictPath, { headers: { authorization }, chunks: [frame(prediction(100))] });
    assert.deepEqual([end.status, end.grpcStatus, end.headers['grpc-message']], [200, '0', undefined]);
    assert.equal((await call(stage.port, predict('m'), stage.token('ann'))).status, 200);
  }
});
