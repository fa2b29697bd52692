import assert from 'node:assert/strict';
import { Agent, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { ReplicaState } from '../engine.ts';
import {
  call,
  eventually,
  keptAliveCall,
  predict,
  type Stage,
  type StageOptions,
  startStage,
} from './testing/stage.ts';

async function stage(context: TestContext, options: StageOptions): Promise<Stage> {
  const started = await startStage(options);
  context.after(() => started.stop());
  return started;
}

const named =
  (name: string): RequestListener =>
  (_request, response) =>
    response.setHeader('x-replica', name).end('{}');

const replica = (port: number, isUp = true): ReplicaState => ({
  rest: { host: '127.0.0.1', port },
  isUp,
  lacks: [],
});

const endpoint = (port: number) => ({ rest: { host: '127.0.0.1', port } });

/** The port of each of a stage's replicas. */
const portsOf = ({ ports }: Stage): [number, number, number] => ports as [number, number, number];

async function repliers({ port, token }: Stage, calls = 6): Promise<string> {
  const names = new Set<string>();
  for (let turn = 0; turn < calls; turn += 1) {
    const { status, headers } = await call(port, predict('m'), token('ann'));
    names.add(status === 200 ? (headers.get('x-replica') ?? '') : String(status));
  }
  return [...names].sort().join(' ');
}

test('replicas come and go without a new process, and no call fails meanwhile', async (context) => {
  const on = await stage(context, { replicas: ['a', 'b', 'c'].map(named) });
  const [a, b, c] = portsOf(on);
  const set = (ports: readonly number[]): Promise<void> =>
    on.engine.setReplicas?.({ scoring: ports.map((port) => replica(port)) }) ?? assert.fail();
  const before = (await on.engine.status()).processes;
  await set([a]);
  assert.equal(await repliers(on), 'a');
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  context.after(() => agent.destroy());
  let isOver = false;
  const statuses = new Map<number, number>();
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const status = await keptAliveCall(on, agent);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }),
  );
  const sets = [[b], [c], [a, b], [b, c], [a], [c, a, b], [b]];
  let changes = 0;
  for (let round = 0; round < 6; round += 1) {
    for (const ports of sets) {
      await set(ports);
      changes += 1;
    }
  }
  isOver = true;
  await load;
  context.diagnostic(`${changes} changes: ${JSON.stringify(Object.fromEntries(statuses))}`);
  assert.deepEqual([...statuses.keys()], [200]);
  assert.equal(await repliers(on), 'b');
  const { processes, endpoints } = await on.engine.status();
  assert.deepEqual(processes, before);
  assert.deepEqual(
    endpoints.map(({ address }) => address),
    [`127.0.0.1:${b}`],
  );
});

test('the audit names the replica that a call went to, whatever its slot held before', async (context) => {
  const on = await stage(context, { replicas: ['a', 'b', 'c'].map(named) });
  const ports = portsOf(on);
  const expected: string[] = [];
  // More than there are slots, so that each is given away again.
  for (let turn = 0; turn < 24; turn += 1) {
    const port = ports[turn % 3] ?? 0;
    await on.engine.setReplicas?.({ scoring: [replica(port)] });
    const answer = await call(on.port, predict('m'), on.token('ann'));
    assert.equal(answer.headers.get('x-replica'), ['a', 'b', 'c'][turn % 3]);
    expected.push(`127.0.0.1:${port}`);
  }
  const records = await on.records(24);
  assert.deepEqual(
    records.map(({ timing }) => timing.endpoint),
    expected,
  );
});

test('a call in flight goes on when its replica goes', async (context) => {
  let answer: () => void = () => undefined;
  const slow: RequestListener = (_request, response) => {
    answer = () => response.setHeader('x-replica', 'slow').end('{}');
  };
  const on = await stage(context, { replicas: [slow, named('b')] });
  const [a, b] = portsOf(on);
  await on.engine.setReplicas?.({ scoring: [replica(a)] });
  const underWay = call(on.port, predict('m'), on.token('ann'));
  await eventually(() => (on.seen.length > 0 ? true : undefined));
  await on.engine.setReplicas?.({ scoring: [replica(a, false), replica(b)] });
  assert.equal(await repliers(on), 'b');
  await on.engine.setReplicas?.({ scoring: [replica(b)] });
  answer();
  const { status, headers } = await underWay;
  assert.deepEqual([status, headers.get('x-replica')], [200, 'slow']);
  assert.equal(await repliers(on), 'b');
});

test('where none is up it is 503 at once, and over when one is', async (context) => {
  const on = await stage(context, {
    replicas: [named('a')],
    upstream: { health: { everyMs: 1000, rise: 1, fall: 1 } },
  });
  const [a] = portsOf(on);
  const refused = await call(on.port, predict('m'), on.token('ann'));
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, 'upstream-unavailable']);
  assert.equal(refused.headers.get('retry-after'), '1');
  await on.engine.setReplicas?.({ scoring: [replica(a)] });
  assert.equal(await repliers(on), 'a');
  await on.engine.setReplicas?.({ scoring: [replica(a, false)] });
  assert.equal(await repliers(on), '503');
});

test('other endpoints in the environment are no reload, more than fit are one', async (context) => {
  const on = await stage(context, { replicas: ['a', 'b', 'c'].map(named) });
  const [a, b, c] = portsOf(on);
  const [first] = (await on.engine.status()).processes;
  const withPorts = (ports: readonly number[]) => ({
    ...on.plan,
    upstreams: [{ service: 'scoring', endpoints: ports.map(endpoint) }],
  });
  await on.engine.swap(withPorts([b]));
  assert.equal(await repliers(on), 'b');
  assert.equal((await on.engine.status()).processes.at(-1)?.pid, first?.pid);
  // The same replica under names of this machine's own, so that there are many.
  const many = Array.from({ length: 20 }, (_, index) => ({ rest: { host: `127.0.0.${index + 2}`, port: c } }));
  await on.engine.swap({ ...on.plan, upstreams: [{ service: 'scoring', endpoints: [endpoint(a), ...many] }] });
  const status = await eventually(async () => {
    const now = await on.engine.status();
    return now.processes.some(({ pid, role }) => role === 'haproxy' && pid !== first?.pid) ? now : undefined;
  });
  assert.equal(status.endpoints.length, 21);
});

test('a new process starts with the replicas that were told of last', async (context) => {
  const on = await stage(context, { replicas: ['a', 'b', 'c'].map(named) });
  const [, b] = portsOf(on);
  await on.engine.setReplicas?.({ scoring: [replica(b)] });
  const [first] = (await on.engine.status()).processes;
  process.kill(first?.pid ?? 0, 'SIGKILL');
  await eventually(async () => {
    const [now] = (await on.engine.status()).processes;
    return now !== undefined && now.pid !== first?.pid ? true : undefined;
  });
  assert.equal(await repliers(on), 'b');
});
