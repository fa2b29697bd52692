import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { RawGrpc } from '../../../test/support/grpc-client.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import {
  bytesField,
  frame,
  modelLabel,
  modelName,
  modelSpec,
  modelVersion,
} from '../../../test/support/protobuf-bytes.ts';
import { startStage, testRule } from './testing/stage.ts';

const predict = '/tensorflow.serving.PredictionService/Predict';
const opened = openedHere();
const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const stage = await startStage({
  grpc: [upstream.port],
  upstream: { models: { m: { repeats: { share: 'rule' } } } },
  access: {
    services: [
      {
        name: 'scoring',
        protocol: 'tensorflow-serving',
        models: ['m', 'n'],
        versions: { m: [{ name: 'stable', number: 3 }] },
      },
    ],
    rules: [testRule({ versions: 'any' })],
  },
});
const client = new RawGrpc(`http://127.0.0.1:${stage.port}`);
opened.use(stage);
opened.defer(() => client.close());

const ann = { authorization: `Bearer ${stage.token('ann')}` };
const call = (made: Buffer, headers: Record<string, string> = {}) =>
  client.call(predict, { chunks: [frame(made)], headers: { ...ann, ...headers } });
const message = (bytes: number, spec = modelSpec(modelName('m'))): Buffer =>
  Buffer.concat([spec, bytesField(2, randomBytes(bytes))]);
let calls = 0;
const lastRecord = async () => {
  calls += 1;
  return (await stage.records(calls)).at(-1) ?? assert.fail();
};

test('a call is handed over, missed and kept; the version that was chosen is in what runs', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    const made = message(100);
    const end = await call(made, { 'x-headgate-pass': 'forged', 'x-headgate-carried': 'x', 'x-mine': 'a' });
    assert.deepEqual([end.status, end.grpcStatus, end.reset], [200, '0', 0]);
    assert.equal(end.headers['x-headgate-carried'], undefined);
    assert.deepEqual(end.trailers?.['x-trailing'], 'b, c');
    const ran = upstream.ran.at(-1) ?? assert.fail('nothing was run');
    assert.deepEqual(ran.models, [{ model: 'm', version: '3' }]);
    const { 'x-mine': mine, 'x-headgate-subject': subject, 'x-headgate-pass': pass, te } = ran.headers;
    assert.deepEqual([mine, subject, pass, te], ['a', 'ann', undefined, 'trailers']);
    assert.equal(ran.headers['x-headgate-request-id'], end.headers['x-headgate-request-id']);
    const { core, timing } = await lastRecord();
    assert.deepEqual([core.reason, core.status, core.version, core.grpcStatus], ['rule-allows', 200, '3', null]);
    assert.deepEqual([timing.endpoint, timing.grpcStatus], [`127.0.0.1:${upstream.port}`, 0]);
  }
  assert.equal((await stage.engine.status()).keptDecisions, 1);
});

test('messages and answers of every size come through', async () => {
  for (const bytes of [0, 10_000, 28_600, 65_600, 300_000, 3_000_000]) {
    const end = await call(message(bytes), { 'x-answer': `large:${bytes}` });
    assert.equal(end.grpcStatus, '0', `${bytes} bytes`);
    assert.ok((upstream.ran.at(-1)?.message.length ?? 0) > bytes, `${bytes} bytes`);
    assert.ok(end.body.length >= bytes, `${bytes} bytes`);
    assert.equal((await lastRecord()).core.reason, 'rule-allows');
  }
});

test('what a message hides behind what HAProxy has seen is found, and nothing runs', async () => {
  const spec = modelSpec(modelName('m'));
  for (const bytes of [100, 60_000, 300_000]) {
    const ran = upstream.ran.length;
    const hidden = Buffer.concat([message(bytes, spec), modelSpec(modelName('n'))]);
    const end = await call(hidden);
    assert.equal(end.grpcStatus, '3', `${bytes} bytes`);
    assert.equal(upstream.ran.length, ran);
    const { core } = await lastRecord();
    assert.deepEqual([core.reason, core.outcome, core.grpcStatus], ['message-ambiguous', 'deny', 3]);
  }
});

test('labels and numbers are kept apart', async () => {
  for (const asked of [modelLabel('stable'), modelVersion(3n), modelVersion(7n)]) {
    const end = await call(message(10, modelSpec(modelName('m'), asked)));
    assert.equal(end.grpcStatus, '0');
    await lastRecord();
  }
  assert.deepEqual(
    upstream.ran.slice(-3).map(({ models }) => models?.[0]?.version),
    ['3', '3', '7'],
  );
});

test('what the service answers passes as it is; what it fails in is UNAVAILABLE with its reason', async () => {
  const only = await call(message(1), { 'x-answer': 'trailers-only' });
  assert.deepEqual([only.status, only.grpcStatus, only.isTrailersOnly], [200, '5', true]);
  assert.equal((await lastRecord()).timing.grpcStatus, 5);
  const hung = await call(message(1), { 'x-answer': 'hang-up' });
  assert.equal(hung.grpcStatus, '14');
  assert.deepEqual((({ reason, grpcStatus }) => [reason, grpcStatus])((await lastRecord()).core), [
    'upstream-malformed',
    14,
  ]);
});

test('without the assisting side its calls are UNAVAILABLE, and go nowhere else', async () => {
  const ran = upstream.ran.length;
  await stage.side?.stop(100);
  for (const who of [{}, { authorization: `Bearer ${stage.token('bob')}` }]) {
    const end = await call(message(10), who);
    assert.deepEqual([end.status, end.grpcStatus, end.isTrailersOnly], [200, '14', true]);
    assert.equal((await lastRecord()).core.reason, 'upstream-unavailable');
  }
  assert.equal(upstream.ran.length, ran);
});
