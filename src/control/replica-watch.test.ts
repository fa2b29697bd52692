import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../../test/conformance/harness/client.ts';
import { DnsServer } from '../../test/support/dns-server.ts';
import { ServingReplica } from '../../test/support/serving-replica.ts';
import { embedded } from '../engines/embedded/index.ts';
import { stagePlan, startReplica } from '../engines/embedded/testing/stage.ts';
import type { Plan, UpstreamPlan } from '../plan/types.ts';
import { systemClock } from '../std/clock.ts';
import { ReplicaWatch } from './replica-watch.ts';
import { eventually } from './testing/workshop.ts';

const health = { everyMs: 200, rise: 2, fall: 2 };
/** Of conditions that may take a few checks. */
const lateMs = 20_000;

interface Opened {
  readonly watch: ReplicaWatch;
  readonly plan: Plan;
  readonly log: string[];
  /** Predicts with `m`; `200 127.0.0.1:8501`. */
  call(): Promise<string>;
}

/** The embedded engine before replicas, with the watch that control has. */
async function open(
  stack: AsyncDisposableStack,
  upstream: Partial<UpstreamPlan>,
  options: { readonly access?: Partial<Plan['access']>; readonly dnsServers?: readonly string[] } = {},
): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'hg-replicas-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const staged = stagePlan(folder, { replicas: [], ...(options.access && { access: options.access }) });
  const plan = { ...staged, upstreams: [{ service: 'scoring', endpoints: [], ...upstream }] };
  const log: string[] = [];
  const running = await embedded.run({ plan, clock: systemClock, log: (line) => log.push(line) });
  stack.defer(() => running.stop(1000));
  const { dnsServers } = options;
  const watch = new ReplicaWatch({ running, plan, clock: systemClock, log: (line) => log.push(line), dnsServers });
  stack.defer(() => watch.stop());
  await watch.start();
  const port = running.addresses.public?.port ?? 0;
  const call = async (): Promise<string> => {
    const { status, headers } = await send({
      ...{ port, method: 'POST', target: '/v1/models/m:predict', headers: ['host', 'a'] },
      body: '{"instances":[[1]]}',
    });
    const at = headers.indexOf('x-replica');
    return `${status} ${at < 0 ? '' : headers[at + 1]}`.trim();
  };
  return { watch, plan, log, call };
}

/** Calls on several connections until told to stop. */
function load(call: () => Promise<string>, lanes = 4) {
  const answers: string[] = [];
  let isOver = false;
  const running = Array.from({ length: lanes }, async () => {
    while (!isOver) {
      answers.push(await call().catch((fault: Error) => fault.message));
      await sleep(5);
    }
  });
  return {
    answers,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

const addressOf = ({ host, port }: ServingReplica) => ({ rest: { host, port } });

test('names: new addresses get calls, those that are gone get no more, calls in flight go on, none fails', async (t) => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await DnsServer.start());
  const first = stack.use(await ServingReplica.start({ host: '127.0.0.2' }));
  const { port } = first;
  const second = stack.use(await ServingReplica.start({ host: '127.0.0.3', port }));
  for (const replica of [first, second]) replica.set('m', '1', 'AVAILABLE');
  server.names.set('models.test', ['127.0.0.2']);
  const endpoints = [{ rest: { host: 'models.test', port }, dns: true as const }];
  const { call, watch } = await open(stack, { endpoints }, { dnsServers: [server.address] });
  const calling = stack.use(load(call));
  await eventually(() => calling.answers.length > 20, 'calls', lateMs);
  assert.equal(second.answered.size, 0);
  server.names.set('models.test', ['127.0.0.2', '127.0.0.3']);
  await eventually(() => second.answered.size > 0, 'the new one gets calls', lateMs);
  first.delayMs = 1500;
  await eventually(async () => calling.answers.length > 40, 'calls are under way', lateMs);
  server.names.set('models.test', ['127.0.0.3']);
  await eventually(() => watch.status().replicas.length === 1, 'the first is known no more', lateMs);
  await sleep(300);
  const before = [...first.answered.values()].reduce((sum, count) => sum + count, 0);
  const reached = calling.answers.length;
  await eventually(() => calling.answers.length > reached + 50, 'calls go on', lateMs);
  assert.equal(
    [...first.answered.values()].reduce((sum, count) => sum + count, 0),
    before,
    'it gets calls yet',
  );
  server.isFailing = true;
  await eventually(() => watch.status().names[0]?.fault !== undefined, 'the fault shows', 2 * lateMs);
  const kept = calling.answers.length;
  await eventually(() => calling.answers.length > kept + 20, 'calls go on while DNS fails', lateMs);
  const counted = Map.groupBy(calling.answers, (answer) => answer);
  t.diagnostic([...counted].map(([answer, all]) => `${answer}×${all.length}`).join(', '));
  assert.deepEqual([...counted.keys()].toSorted(), [`200 ${first.name}`, `200 ${second.name}`]);
});

describe('health', () => {
  test('a replica gets calls of a version only where it is AVAILABLE; where it is nowhere: 503', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = [stack.use(await ServingReplica.start()), stack.use(await ServingReplica.start())] as const;
    const [ready, warming] = replicas;
    ready.set('m', '3', 'AVAILABLE');
    warming.set('m', '3', 'LOADING');
    const services = [
      {
        name: 'scoring',
        protocol: 'tensorflow-serving',
        models: ['m', 'n'],
        versions: { m: [{ name: 'stable', number: 3 }] },
      },
    ] as const;
    const { call, watch, log } = await open(
      stack,
      { endpoints: replicas.map(addressOf), health },
      { access: { services } },
    );
    for (let turn = 0; turn < 20; turn += 1) assert.equal(await call(), `200 ${ready.name}`);
    const [, waiting] = watch.status().replicas;
    assert.deepEqual(
      [waiting?.state, waiting?.waitsFor.map(({ what, loading }) => [what, loading])],
      ['up', [['m/3', true]]],
    );
    warming.set('m', '3', 'AVAILABLE');
    await eventually(() => (warming.answered.get(200) ?? 0) > 0 || call().then(() => false), 'it gets calls', lateMs);
    for (const replica of replicas) replica.set('m', '3', 'END');
    await eventually(async () => (await call()) === '503', 'nobody has it', lateMs);
    assert.ok(log.includes(`scoring: replica ${warming.name} waits for m/3`), log.join('\n'));
    assert.ok(log.includes(`scoring: replica ${warming.name} has m/3`), log.join('\n'));
  });

  test('one that is gone is down, and up again when it is back', async () => {
    await using stack = new AsyncDisposableStack();
    const staying = stack.use(await ServingReplica.start());
    const leaving = await ServingReplica.start();
    const { port } = leaving;
    for (const replica of [staying, leaving]) replica.set('m', '1', 'AVAILABLE');
    const { watch, log } = await open(stack, { endpoints: [staying, leaving].map(addressOf), health });
    assert.deepEqual(
      watch.status().replicas.map(({ state }) => state),
      ['up', 'up'],
    );
    await leaving[Symbol.asyncDispose]();
    await eventually(() => watch.status().replicas[1]?.state === 'down', 'it is down', lateMs);
    assert.equal(watch.status().replicas[1]?.why, 'connection refused');
    stack.use(await ServingReplica.start({ port })).set('m', '1', 'AVAILABLE');
    await eventually(() => watch.status().replicas[1]?.state === 'up', 'it is up', lateMs);
    assert.ok(log.includes(`scoring: replica ${leaving.name} is down: connection refused`), log.join('\n'));
    assert.equal(log.filter((line) => line === `scoring: replica ${leaving.name} is up`).length, 2);
  });

  test('what answers, but with no model status, does not live', async () => {
    await using stack = new AsyncDisposableStack();
    const page = await startReplica((_request, answer) => answer.end('<h1>It works!</h1>'));
    stack.defer(() => page.close());
    const endpoints = [{ rest: { host: '127.0.0.1', port: page.port } }];
    const { watch, call } = await open(stack, { endpoints, health });
    await eventually(() => watch.status().replicas[0]?.state === 'down', 'it is down', lateMs);
    assert.equal(watch.status().replicas[0]?.why, 'its answer is no model status');
    assert.equal(await call(), '503');
  });
});

test('endpoints that come and go: no swap, no call lost', async () => {
  await using stack = new AsyncDisposableStack();
  const replicas = [stack.use(await ServingReplica.start()), stack.use(await ServingReplica.start())] as const;
  for (const replica of replicas) replica.set('m', '1', 'AVAILABLE');
  const { call, watch, plan } = await open(stack, { endpoints: [addressOf(replicas[0])] });
  const calling = stack.use(load(call));
  const withEndpoints = (endpoints: UpstreamPlan['endpoints']): Plan => ({
    ...plan,
    upstreams: plan.upstreams.map((upstream) => ({ ...upstream, endpoints })),
  });
  for (let turn = 0; turn < 20; turn += 1) {
    await watch.takeUp(withEndpoints([addressOf(replicas[turn % 2 === 0 ? 1 : 0])]));
    const reached = calling.answers.length;
    await eventually(() => calling.answers.length > reached + 5, 'calls go on', lateMs);
  }
  const counted = new Set(calling.answers);
  assert.deepEqual([...counted].toSorted(), replicas.map(({ name }) => `200 ${name}`).toSorted());
});
