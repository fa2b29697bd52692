import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { haproxy } from '../engines/haproxy/index.ts';
import { call, predict, startStage, testRule } from '../engines/haproxy/testing/stage.ts';
import type { Plan } from '../plan/types.ts';
import { runAssisted } from './assistance.ts';
import { eventually } from './testing/workshop.ts';

const roles = async ({ engine }: Awaited<ReturnType<typeof startStage>>): Promise<string[]> =>
  (await engine.status()).processes.map(({ role }) => role).filter((role) => !role.includes('draining'));

test('the assisting side comes with the first assisted route and goes with the last, and no call fails', async (context) => {
  const stage = await startStage({ run: (given) => runAssisted(haproxy, given) });
  context.after(() => stage.stop());
  const { port, token, engine, plan } = stage;
  const ann = token('ann');
  const socket = join(plan.state, 'haproxy', 'assist.sock');
  assert.deepEqual([await roles(stage), existsSync(socket)], [['haproxy'], false]);
  const withTraffic = (traffic: Partial<Plan['upstreams'][number]>): Plan => ({
    ...plan,
    upstreams: plan.upstreams.map((upstream) => ({ ...upstream, ...traffic })),
  });
  const models = { m: { repeats: { share: 'rule' } } } as const;
  const queue = { models: { m: { inFlightMax: 8, waitingMax: 8, waitMs: 1000 } } };
  let isDone = false;
  const statuses: number[] = [];
  const calling = (async () => {
    while (!isDone) statuses.push((await call(port, predict('m'), ann)).status);
  })();
  const steps = [
    [{ models }, ['haproxy', 'assisting']],
    [{ models, queue }, ['haproxy', 'assisting']],
    [{}, ['haproxy']],
    [{ queue }, ['haproxy', 'assisting']],
  ] as const;
  for (const [traffic, wanted] of steps) {
    await engine.swap(withTraffic(traffic));
    const before = statuses.length;
    while (statuses.length < before + 3) await new Promise((resolve) => setTimeout(resolve, 5));
    await eventually(async () => (await roles(stage)).join() === wanted.join(), `${wanted}`);
  }
  isDone = true;
  await calling;
  assert.deepEqual([...new Set(statuses)], [200], `${statuses.length} calls`);
  const endpoints = (await engine.status()).endpoints.map(({ address }) => address);
  assert.equal(new Set(endpoints).size, endpoints.length);
});

test('a Plan that the engine does not take up leaves the assisting side as it was', async (context) => {
  const models = { m: { repeats: { share: 'rule' } } } as const;
  const stage = await startStage({ upstream: { models }, run: (given) => runAssisted(haproxy, given) });
  context.after(() => stage.stop());
  const { port, token, engine, plan } = stage;
  const tls = { certificate: join(plan.state, 'none.pem'), key: join(plan.state, 'none.pem') };
  const broken = plan.listeners.map((listener) => ({ ...listener, tls }));
  await assert.rejects(engine.swap({ ...plan, listeners: broken }));
  assert.equal((await call(port, predict('m'), token('ann'))).status, 200);
  assert.deepEqual(await roles(stage), ['haproxy', 'assisting']);
});

test('a condition reads what waits on the assisted way', async (context) => {
  const answers: (() => void)[] = [];
  const reads = { headers: [], address: false, time: false, queue: true } as const;
  const when = { cel: 'queue.inFlight < 1', reads };
  const stage = await startStage({
    upstream: { queue: { service: { inFlightMax: 8, waitingMax: 8, waitMs: 5000 } } },
    access: { rules: [testRule({ when })], reads: { scoring: reads } },
    replicas: [(_request, response) => void answers.push(() => response.end('{}'))],
    run: (given) => runAssisted(haproxy, given),
  });
  context.after(() => stage.stop());
  const { port, token } = stage;
  const first = call(port, predict('m'), token('ann'));
  await eventually(() => answers.length === 1, 'the first call is in flight');
  assert.equal((await call(port, predict('m'), token('bob'))).status, 403);
  answers[0]?.();
  assert.equal((await first).status, 200);
  const third = call(port, predict('m'), token('cyd'));
  await eventually(() => answers.length === 2, 'another call is in flight');
  answers[1]?.();
  assert.equal((await third).status, 200);
});
