import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { until } from '../../http2/testing/server.ts';
import type { Plan, RulePlan } from '../../plan/types.ts';
import { eventually, startStage } from './testing/stage.ts';
import { grpcService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const rule = (index: number, method: string): Partial<RulePlan> => ({
  index,
  name: method,
  resources: [{ service: 'scoring', segments: ['acme.Orders', method] }],
});
const message = frame(bytesField(1, Buffer.from('hello')));

async function stageOf(...methods: string[]) {
  const options = grpcService([upstream.port]);
  const [first] = options.access?.rules ?? [];
  const rules = methods.map((method, index) => ({ ...first, ...rule(index, method) })) as RulePlan[];
  return startStage({ ...options, access: { ...options.access, rules } });
}

/** Without the first rule. */
function narrower(plan: Plan): Plan {
  const rules = plan.access.rules.slice(1).map((each, index) => ({ ...each, index }));
  return { ...plan, epoch: 'fedcba9876543210', access: { ...plan.access, rules } };
}

test('open calls are told of, and end within seconds when their rule goes; others go on', async () => {
  await using stage = await stageOf('Watch', 'Follow');
  using client = await StreamClient.open(stage.port);
  upstream.serve = (call) => {
    call.begin();
    call.send(message);
  };
  const [watch, follow] = ['Watch', 'Follow'].map((method) => client.call({ path: `/acme.Orders/${method}` }));
  assert.ok(watch !== undefined && follow !== undefined);
  watch.write(message);
  watch.write(message);
  await until(() => (watch.bytesIn > 0 && follow.bytesIn > 0 ? true : undefined));
  const [served, other] = upstream.calls.slice(-2);
  const { streams } = await eventually(async () => {
    const status = await stage.engine.status();
    return status.streams?.open === 2 ? status : undefined;
  }, 10_000);
  assert.deepEqual(streams?.byService, { scoring: 2 });
  const [oldest] = streams?.oldest ?? [];
  const { requestId, method, bytesIn, bytesOut, messagesIn, messagesOut } = oldest ?? {};
  assert.deepEqual(
    [method, bytesIn, bytesOut, messagesIn, messagesOut],
    ['acme.Orders/Watch', 2 * message.length, message.length, 2, 1],
  );
  assert.deepEqual(await stage.opened(), [requestId, streams?.oldest[1]?.requestId]);

  const before = performance.now();
  // One that has just begun is held to it, too.
  const young = client.call({ path: '/acme.Orders/Watch' });
  await until(() => (young.bytesIn > 0 ? true : undefined));
  await stage.engine.swap(narrower(stage.plan));
  await until(() => (watch.status !== undefined && young.status !== undefined ? true : undefined));
  assert.ok(performance.now() - before < 5000);
  assert.deepEqual([watch.status, young.status, follow.status], ['7', '7', undefined]);
  assert.match(watch.field('grpc-message') ?? '', /no longer allows this call/);
  assert.equal(served?.wasCancelled, true);
  follow.write(message);
  await until(() => (other?.bytes.length === message.length ? true : undefined));
  const records = await stage.records(2);
  const record = records.find((each) => each.requestId === requestId);
  assert.deepEqual(
    [record?.core.outcome, record?.core.reason, record?.core.rule, record?.core.grpcStatus],
    ['deny', 'access-ended', 'Watch', 7],
  );
  assert.deepEqual([record?.timing.messagesIn, record?.timing.messagesOut], [2, 1]);
  assert.ok((record?.timing.firstMs ?? -1) >= 0);
});

test('a message that is half sent becomes whole first, where it can', async () => {
  await using stage = await stageOf('Watch');
  using client = await StreamClient.open(stage.port);
  upstream.serve = (call) => {
    call.begin();
    call.send(message.subarray(0, 4));
  };
  const call = client.call({ path: '/acme.Orders/Watch' });
  await until(() => (call.bytesIn > 0 ? true : undefined));
  await eventually(async () => (await stage.engine.status()).streams?.open === 1 || undefined, 10_000);
  await stage.engine.swap(narrower(stage.plan));
  assert.equal(call.status, undefined);
  upstream.calls.at(-1)?.send(message.subarray(4));
  await until(() => call.status);
  assert.deepEqual([call.status, call.bytes.equals(message)], ['7', true]);
});
