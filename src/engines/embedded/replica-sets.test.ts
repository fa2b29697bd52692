import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { send } from '../../../test/conformance/harness/client.ts';
import { message, openCaller } from '../../../test/support/grpc-scene.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { ServingReplica } from '../../../test/support/serving-replica.ts';
import type { ReplicaState } from '../engine.ts';
import { eventually, type Stage, type StageOptions, startStage } from './testing/stage.ts';

const sequenced = { models: { m: { sequence: { header: 'x-sequence-id' } } } };
const ids = Array.from({ length: 60 }, (_, turn) => `sequence-${turn}`);

async function openReplicas(stack: AsyncDisposableStack, count: number): Promise<ServingReplica[]> {
  const replicas = await Promise.all(Array.from({ length: count }, () => ServingReplica.start()));
  return replicas.map((replica) => stack.use(replica).set('m', '1', 'AVAILABLE'));
}

async function openStage(
  stack: AsyncDisposableStack,
  replicas: readonly ServingReplica[],
  options: Partial<StageOptions> = {},
): Promise<Stage> {
  return stack.use(await startStage({ replicas: replicas.map(({ port }) => port), ...options }));
}

/** On a connection of its own, so that any thread may get it. */
async function call(
  { port }: Stage,
  fields: readonly string[] = [],
): Promise<{ status: number; replica: string; body: string }> {
  const { status, headers, body } = await send({
    ...{ port, method: 'POST', target: '/v1/models/m:predict', headers: ['host', 'a', ...fields] },
    body: '{"instances":[[1]]}',
  });
  const at = headers.indexOf('x-replica');
  return { status, replica: at < 0 ? '' : (headers[at + 1] ?? ''), body };
}

/** Id → replica; every id is called three times. */
async function placesOf(stage: Stage): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  for (const id of [...ids, ...ids, ...ids]) {
    const { status, replica } = await call(stage, ['X-Sequence-Id', id]);
    assert.equal(status, 200);
    assert.equal(places.get(id) ?? replica, replica, `${id} went to two replicas`);
    places.set(id, replica);
  }
  return places;
}

function statesOf(replicas: readonly ServingReplica[], change: Partial<ReplicaState> = {}): ReplicaState[] {
  return replicas.map(({ host, port }) => ({ rest: { host, port }, isUp: true, lacks: [], ...change }));
}

describe('sequences', () => {
  test('each stays on its replica: on every thread, over a swap, after a restart', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 4);
    const stage = await openStage(stack, replicas, { upstream: sequenced });
    const before = await placesOf(stage);
    assert.equal(new Set(before.values()).size, 4);
    await stage.engine.swap({ ...stage.plan, epoch: 'fedcba9876543210' });
    assert.deepEqual(await placesOf(stage), before);
    const again = await openStage(stack, replicas, { upstream: sequenced });
    assert.deepEqual(await placesOf(again), before);
  });

  test('one that joins takes about its share, and only for itself; one that leaves moves only its own', async (t) => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 5);
    const stage = await openStage(stack, replicas.slice(0, 4), { upstream: sequenced });
    const before = await placesOf(stage);
    await stage.engine.setReplicas?.({ scoring: statesOf(replicas) });
    const after = await placesOf(stage);
    const moved = ids.filter((id) => after.get(id) !== before.get(id));
    t.diagnostic(`${moved.length} of ${ids.length} moved to the fifth; 1/5 is ${ids.length / 5}`);
    assert.ok(moved.length > 0 && moved.length <= 30);
    assert.ok(moved.every((id) => after.get(id) === replicas[4]?.name));
    await stage.engine.setReplicas?.({ scoring: statesOf(replicas.slice(0, 4)) });
    assert.deepEqual(await placesOf(stage), before);
  });

  test('a call that names none is balanced as any other', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 2);
    const stage = await openStage(stack, replicas, { upstream: sequenced });
    const seen = new Set<string>();
    for (let turn = 0; turn < 20; turn += 1) seen.add((await call(stage, ['x-sequence-id', ''])).replica);
    assert.equal(seen.size, 2);
  });
});

describe('over both protocols', () => {
  test('a sequence of gRPC goes where that of REST goes; a replica that fails over one is passed over for both', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 2);
    const upstreams = [await startGrpcUpstream(), await startGrpcUpstream()] as const;
    for (const upstream of upstreams) stack.adopt(upstream, (it) => it.close());
    const grpc = upstreams.map(({ port }) => port);
    const stage = await openStage(stack, replicas, { grpc, upstream: sequenced });
    const caller = openCaller(stack, stage.port);
    const places = await placesOf(stage);
    for (const id of ids) {
      const at = replicas.findIndex(({ name }) => name === places.get(id));
      const before = upstreams[at]?.ran.length ?? 0;
      assert.equal((await caller.call(message(10), { 'x-sequence-id': id })).grpcStatus, '0');
      assert.equal(upstreams[at]?.ran.length, before + 1);
    }
    const [, bad] = replicas as [ServingReplica, ServingReplica];
    bad.failsWith = 503;
    const isEjected = async (): Promise<boolean> => (await stage.engine.status()).endpoints[1]?.isEjected === true;
    while (!(await isEjected())) await call(stage);
    const ran = upstreams[1].ran.length;
    assert.equal((await caller.call(message(10))).grpcStatus, '0');
    // Unless so much time went by that this call was the trial.
    assert.ok(upstreams[1].ran.length === ran || !(await isEjected()));
  });
});

describe('replicas that are told of', () => {
  test('one that is not up, or lacks the model, gets none; where none is left: 503', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 2);
    const stage = await openStage(stack, replicas, { upstream: { health: { everyMs: 1000, rise: 1, fall: 1 } } });
    const tell = (...states: ReplicaState[]): Promise<void> | undefined =>
      stage.engine.setReplicas?.({ scoring: states });
    const [one, other] = replicas as [ServingReplica, ServingReplica];
    assert.equal((await call(stage)).status, 503, 'nothing was said of them yet');
    await tell(...statesOf([one]), ...statesOf([other], { isUp: false }));
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await call(stage)).replica, one.name);
    await tell(...statesOf([one], { lacks: ['m'] }), ...statesOf([other], { lacks: ['n'] }));
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await call(stage)).replica, other.name);
    await tell(...statesOf(replicas, { lacks: ['m'] }));
    const { status, body } = await call(stage);
    assert.deepEqual([status, /"code":"([a-z-]+)"/.exec(body)?.[1]], [503, 'upstream-unavailable']);
    await stage.engine.swap(stage.plan);
    assert.equal((await call(stage)).status, 503, 'what was said holds over a swap');
  });

  test('what is in flight is counted over all threads, by replica', async () => {
    await using stack = new AsyncDisposableStack();
    const [replica] = (await openReplicas(stack, 1)) as [ServingReplica];
    const stage = await openStage(stack, [replica]);
    replica.delayMs = 1000;
    const calls = Array.from({ length: 12 }, () => call(stage));
    await eventually(async () => {
      const [endpoint, ...more] = (await stage.engine.status()).endpoints;
      return (endpoint?.inFlight === 12 && more.length === 0) || undefined;
    });
    assert.ok((await Promise.all(calls)).every(({ status }) => status === 200));
    await eventually(async () => (await stage.engine.status()).endpoints[0]?.inFlight === 0 || undefined);
  });
});

describe('ejection', () => {
  test('one that fails is passed over, tried by one call, and used again', async (t) => {
    await using stack = new AsyncDisposableStack();
    const [good, bad] = (await openReplicas(stack, 2)) as [ServingReplica, ServingReplica];
    const stage = await openStage(stack, [good, bad]);
    bad.failsWith = 503;
    const isEjected = async (): Promise<boolean> =>
      (await stage.engine.status()).endpoints.some(({ address, isEjected: it }) => it === true && address === bad.name);
    while (!(await isEjected())) await call(stage);
    const failures = bad.answered.get(503) ?? 0;
    assert.equal(failures, 5);
    for (let turn = 0; turn < 50; turn += 1) await call(stage);
    const tried = (bad.answered.get(503) ?? 0) - failures;
    bad.failsWith = undefined;
    let calls = 0;
    await eventually(async () => {
      calls += 1;
      await call(stage);
      return bad.answered.get(200) !== undefined || undefined;
    }, 30_000);
    t.diagnostic(`${failures} failures, then ${tried} trials in 50 calls; used again after ${calls} calls`);
    assert.ok(tried <= 2, 'more than a trial now and then');
    assert.equal(await isEjected(), false);
    assert.ok(
      stage.log.some((line) => line === `scoring: replica ${bad.name} failed too often, it is passed over for 1 s`),
    );
    assert.ok(stage.log.some((line) => line === `scoring: replica ${bad.name} is used again`));
  });

  test('where all fail, not all are passed over, and calls go on being tried', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 3);
    const stage = await openStage(stack, replicas);
    for (const replica of replicas) replica.failsWith = 502;
    for (let turn = 0; turn < 60; turn += 1) assert.equal((await call(stage)).status, 502);
    const ejected = (await stage.engine.status()).endpoints.filter(({ isEjected }) => isEjected);
    assert.equal(ejected.length, 1);
    for (const replica of replicas) replica.failsWith = undefined;
    assert.equal((await call(stage)).status, 200);
  });

  test('a replica that refuses connections is passed over before it costs a call', async () => {
    await using stack = new AsyncDisposableStack();
    const [good, gone] = (await openReplicas(stack, 2)) as [ServingReplica, ServingReplica];
    const stage = await openStage(stack, [good, gone]);
    await gone[Symbol.asyncDispose]();
    for (let turn = 0; turn < 30; turn += 1) assert.equal((await call(stage)).status, 200);
    const [, ejected] = (await stage.engine.status()).endpoints;
    assert.equal(ejected?.isEjected, true);
  });
});
