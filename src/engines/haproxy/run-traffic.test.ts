import assert from 'node:assert/strict';
import { Agent, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { RawGrpc } from '../../../test/support/grpc-client.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { frame, modelName, modelSpec } from '../../../test/support/protobuf-bytes.ts';
import type { RetriesPlan } from '../../plan/types.ts';
import { retryBodyBytesMax } from '../../std/limits.ts';
import {
  call,
  eventually,
  keptAliveCall,
  predict,
  type Stage,
  type StageOptions,
  startStage,
  testRule,
} from './testing/stage.ts';

async function stage(context: TestContext, options: StageOptions): Promise<Stage> {
  const started = await startStage(options);
  context.after(() => started.stop());
  return started;
}

const ok: RequestListener = (_request, response) => void response.end('{}');
const answering =
  (status: number): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end('{}');
const closing: RequestListener = (request) => void request.socket.destroy();
const resetting: RequestListener = (request) => void request.socket.resetAndDestroy();
const retries: RetriesPlan = { triesMax: 2, budgetPpm: 1_000_000 };

const ask = ({ port, token }: Stage, body = '{}') => call(port, predict('m'), token('ann'), { body });

test('a call that a replica did not serve is tried on another', async (context) => {
  for (const [name, failing] of Object.entries({ 503: answering(503), 502: answering(502), closing, resetting })) {
    const on = await stage(context, { replicas: [failing, ok], upstream: { retries } });
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await ask(on)).status);
    assert.deepEqual(statuses, [200, 200, 200, 200], name);
    const tries = (await on.records(4)).map(({ timing }) => timing.tries ?? 1);
    assert.ok(tries.includes(2), `${name}: tried ${tries}`);
    assert.equal(
      on.seen.length,
      tries.reduce((sum, each) => sum + each, 0),
    );
  }
});

test('other answers, larger bodies and calls where nothing may be tried again stay as they are', async (context) => {
  const plain = await stage(context, { replicas: [answering(500), answering(500)], upstream: { retries } });
  assert.equal((await ask(plain)).status, 500);
  assert.equal(plain.seen.length, 1);
  const large = await stage(context, { replicas: [answering(503), answering(503)], upstream: { retries } });
  assert.equal((await ask(large, 'x'.repeat(retryBodyBytesMax + 1))).status, 503);
  assert.equal(large.seen.length, 1);
  assert.equal((await ask(large, 'x'.repeat(retryBodyBytesMax))).status, 503);
  assert.equal(large.seen.length, 3);
  const none = { triesMax: 1, budgetPpm: 0 };
  const once = await stage(context, { replicas: [answering(503), answering(503)], upstream: { retries: none } });
  assert.equal((await ask(once)).status, 503);
  assert.equal(once.seen.length, 1);
});

test('a call that is not safe is tried once, once a replica has it', async (context) => {
  const upstreams = [await startGrpcUpstream(), await startGrpcUpstream()];
  context.after(() => Promise.all(upstreams.map((upstream) => upstream.close())));
  const reload = testRule({
    index: 1,
    name: 'leads reload',
    actions: { kind: 'actions', names: ['reload-config'] },
    resources: [{ service: 'scoring', segments: [] }],
  });
  const on = await stage(context, {
    replicas: [ok, ok],
    grpc: upstreams.map(({ port }) => port),
    upstream: { retries },
    access: { rules: [testRule({ versions: 'any' }), reload] },
  });
  const client = new RawGrpc(`http://127.0.0.1:${on.port}`);
  context.after(() => client.close());
  const arrived = async (path: string, made: Buffer): Promise<number> => {
    const before = upstreams.reduce((sum, { ran }) => sum + ran.length, 0);
    const headers = { authorization: `Bearer ${on.token('ann')}`, 'x-answer': 'http:503' };
    await client.call(path, { chunks: [frame(made)], headers });
    return upstreams.reduce((sum, { ran }) => sum + ran.length, 0) - before;
  };
  for (let turn = 0; turn < 2; turn += 1) {
    assert.equal(await arrived('/tensorflow.serving.PredictionService/Predict', modelSpec(modelName('m'))), 2);
    assert.equal(await arrived('/tensorflow.serving.ModelService/HandleReloadConfigRequest', Buffer.alloc(0)), 1);
  }
});

test('no storm: with one replica that is gone and one that answers 503, calls get their budget and little more', async (context) => {
  const share = 0.2;
  const on = await stage(context, {
    replicas: [answering(503), ok, ok],
    deadPorts: [9],
    // One try is used up where a call finds the replica that is gone.
    upstream: { retries: { triesMax: 3, budgetPpm: share * 1_000_000 } },
  });
  const statuses = new Map<number, number>();
  const startMs = performance.now();
  let calls = 0;
  // Head and body at once: what comes apart is not held to be sent again.
  const agent = new Agent({ keepAlive: true });
  context.after(() => agent.destroy());
  while (performance.now() - startMs < 5000) {
    const status = await keptAliveCall(on, agent);
    calls += 1;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  const { traffic = [], endpoints } = await on.engine.status();
  context.diagnostic(
    `${calls} calls: ${JSON.stringify(Object.fromEntries(statuses))}; ${on.seen.length} tries arrived`,
  );
  context.diagnostic(JSON.stringify({ traffic, endpoints }));
  // What one look, of a quarter of a second, lets through stands above the budget; at the start it is a second.
  assert.ok(on.seen.length < calls * (1 + share) * 1.25 + 20, `${on.seen.length} tries of ${calls} calls`);
  assert.ok((traffic[0]?.retries ?? 0) > 0);
});

test('a replica that fails is passed over, and used again when it is well', async (context) => {
  let isWell = false;
  const sick: RequestListener = (request, response) => (isWell ? ok : answering(503))(request, response);
  const on = await stage(context, { replicas: [sick, ok, ok], upstream: { retries } });
  const isEjected = async (): Promise<boolean> =>
    (await on.engine.status()).endpoints.some((endpoint) => endpoint.isEjected === true);
  await eventually(async () => {
    assert.equal((await ask(on)).status, 200);
    return (await isEjected()) ? true : undefined;
  }, 10_000);
  assert.equal((await on.engine.status()).traffic?.[0]?.ejections, 1);
  isWell = true;
  await eventually(async () => {
    assert.equal((await ask(on)).status, 200);
    return (await isEjected()) ? undefined : true;
  }, 10_000);
});

test('not all replicas are passed over at once', async (context) => {
  const on = await stage(context, { replicas: [answering(503), answering(503)], upstream: { retries } });
  const endMs = performance.now() + 3500;
  while (performance.now() < endMs) assert.equal((await ask(on)).status, 503);
  const { endpoints } = await on.engine.status();
  assert.equal(endpoints.filter(({ isEjected }) => isEjected === true).length <= 1, true);
});

test('a deadline ends a call whose replica is silent for as long, and says so', async (context) => {
  const silent: RequestListener = () => undefined;
  const on = await stage(context, { replicas: [silent, silent], upstream: { timeouts: { deadlineMs: 400 }, retries } });
  const startMs = performance.now();
  const { status, body } = await ask(on);
  assert.deepEqual([status, JSON.parse(body).code], [504, 'deadline-exceeded']);
  assert.ok(performance.now() - startMs < 3000);
  assert.equal(on.seen.length, 1);
  const [record] = await on.records(1);
  assert.deepEqual([record?.core.outcome, record?.core.reason], ['deny', 'deadline-exceeded']);
  const slow = await stage(context, { replicas: [silent], upstream: { timeouts: { answerMs: 300 } } });
  const late = await ask(slow);
  assert.deepEqual([late.status, JSON.parse(late.body).code], [504, 'upstream-timeout']);
});

test('over changes of process a limit admits no more than it says', async (context) => {
  const limit = { count: 40, periodMs: 1000, burst: 40, per: 'caller' } as const;
  const on = await stage(context, { replicas: [ok], limits: [limit] });
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  context.after(() => agent.destroy());
  const statuses = new Map<number, number>();
  let isOver = false;
  const startMs = performance.now();
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const status = await keptAliveCall(on, agent);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }),
  );
  const reloads = 10;
  /** Between two changes. */
  const eachMin = 10;
  for (let round = 1; round <= reloads; round += 1) {
    await on.engine.swap({ ...on.plan, bounds: { bodyBytesMax: on.plan.bounds.bodyBytesMax - round } });
    const before = statuses.get(200) ?? 0;
    await eventually(() => ((statuses.get(200) ?? 0) >= before + eachMin ? true : undefined));
  }
  isOver = true;
  await load;
  const tookMs = performance.now() - startMs;
  const most = (tookMs / limit.periodMs) * limit.count + limit.burst;
  const admitted = statuses.get(200) ?? 0;
  context.diagnostic(
    `${reloads} changes of process in ${tookMs.toFixed(0)} ms: ${JSON.stringify(Object.fromEntries(statuses))}`,
  );
  context.diagnostic(
    `${admitted} admitted, of at most ${most.toFixed(0)}; a burst for each process would have been ${(most + reloads * limit.burst).toFixed(0)}`,
  );
  assert.deepEqual([...statuses.keys()].sort(), [200, 429]);
  assert.ok(admitted <= most * 1.05, `${admitted} of ${most}`);
  assert.ok(admitted > most / 2, 'it admits what it should');
});

test('answers go out as gzip to clients that take it, and no others', async (context) => {
  const text = JSON.stringify({ predictions: Array.from({ length: 2000 }, () => 0.5) });
  const long: RequestListener = (_request, response) =>
    void response.setHeader('content-type', 'application/json').end(text);
  const on = await stage(context, { replicas: [long], upstream: { compression: { answers: ['gzip'] } } });
  for (let turn = 0; turn < 2; turn += 1) {
    for (const [accepted, coding] of [
      ['gzip', 'gzip'],
      ['identity', null],
      ['br', null],
    ] as const) {
      const headers = { 'accept-encoding': accepted };
      const answer = await call(on.port, predict('m'), on.token('ann'), { headers });
      assert.deepEqual([answer.status, answer.headers.get('content-encoding')], [200, coding]);
      assert.equal(answer.body, text);
      if (coding !== null) assert.match(answer.headers.get('vary') ?? '', /accept-encoding/i);
    }
  }
  // HAProxy 2.6 counts what came from the replica, not what left.
  const sizes = new Set((await on.records(6)).map(({ timing }) => timing.bytesOut));
  assert.equal(sizes.size, 1);
});
