import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { availableParallelism } from 'node:os';
import { after, test } from 'node:test';
import type { AccessPlan, Plan, RulePlan } from '../../plan/types.ts';
import { runEmbedded } from './run.ts';
import { eventually, predictHead, type Stage, sendRaw, startReplica, startStage } from './testing/stage.ts';

const path = '/v1/models/m:predict';
const replica = await startReplica((call, answer) => {
  call.resume();
  if (call.url?.includes('slow')) setTimeout(() => answer.end('late'), 200);
  else answer.end('ok');
});
after(() => replica.close());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly fields: IncomingMessage['headers'];
}

async function call(port: number, target = path, agent: Agent | false = false): Promise<Answer> {
  const sending = request({ host: '127.0.0.1', port, method: 'POST', path: target, agent });
  sending.end();
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of answer) body += chunk;
  return { status: answer.statusCode ?? 0, body, fields: answer.headers };
}

function denying(plan: Plan): Plan {
  const [rule] = plan.access.rules;
  const rules: RulePlan[] = rule === undefined ? [] : [{ ...rule, effect: 'deny' }];
  return { ...plan, epoch: 'fedcba9876543210', access: { ...plan.access, rules } };
}

async function withStage(
  options: Parameters<typeof startStage>[0],
  then: (stage: Stage) => Promise<void>,
): Promise<void> {
  await using stage = await startStage(options);
  await then(stage);
}

test('when a swap has returned, no worker decides by the old policy, on old connections either', () =>
  withStage({ replicas: [replica.port] }, async (stage) => {
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true }));
    for (const agent of agents) assert.equal((await call(stage.port, path, agent)).status, 200);
    assert.ok((await stage.engine.status()).keptDecisions >= 1);
    await stage.engine.swap(denying(stage.plan));
    for (const agent of agents) assert.equal((await call(stage.port, path, agent)).status, 403);
    const status = await stage.engine.status();
    assert.deepEqual([...new Set(status.processes.map(({ epoch }) => epoch))], ['fedcba9876543210']);
    assert.equal(status.processes.length, Math.min(8, availableParallelism()));
    const records = await stage.records(16);
    assert.equal(
      records.filter(({ core }) => core.epoch === 'fedcba9876543210' && core.reason === 'rule-denies').length,
      8,
    );
    for (const agent of agents) agent.destroy();
  }));

test('a swap opens and closes listeners and replicas without a restart, and calls in flight go on', () =>
  withStage({ replicas: [replica.port] }, async (stage) => {
    const slow = call(stage.port, `${path}?slow`);
    await eventually(
      async () => (await stage.engine.status()).endpoints.some(({ inFlight }) => inFlight === 1) || undefined,
    );
    using other = await startReplica((_call, answer) => answer.end('other'));
    const [listener] = stage.plan.listeners;
    assert.ok(listener !== undefined);
    const upstreams = [{ service: 'scoring', endpoints: [{ rest: { host: '127.0.0.1', port: other.port } }] }];
    await stage.engine.swap({ ...stage.plan, upstreams, listeners: [{ ...listener, name: 'second' }] });
    assert.deepEqual(Object.keys(stage.engine.addresses), ['second']);
    assert.equal((await call(stage.engine.addresses.second?.port ?? 0)).body, 'other');
    assert.equal((await slow).body, 'late');
    await assert.rejects(call(stage.port));
  }));

test('admission can be shut and opened', () =>
  withStage({ replicas: [replica.port] }, async (stage) => {
    assert.equal((await call(stage.port)).status, 200);
    await stage.engine.admit?.(false);
    const refused = await call(stage.port);
    assert.equal(refused.status, 503);
    assert.match(refused.body, /"code":"audit-unavailable"/);
    await stage.engine.admit?.(true);
    assert.equal((await call(stage.port)).status, 200);
  }));

test('a limit holds over all workers: 429 with Retry-After, and a record of the refusal', () => {
  const limits = [{ count: 1, periodMs: 60_000, burst: 5, per: 'caller' }] as const;
  return withStage({ replicas: [replica.port], limits }, async (stage) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(stage.port)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 5);
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 15);
    assert.equal(refused[0]?.fields['retry-after'], '60');
    assert.match(refused[0]?.body ?? '', /"code":"limit-exceeded"/);
    const records = await stage.records(20);
    const throttled = records.filter(({ core }) => core.reason === 'limit-exceeded');
    assert.deepEqual([throttled.length, throttled[0]?.core.rule, throttled[0]?.core.outcome], [15, 'anyone', 'deny']);
  });
});

test('every call is one line; a worker counts without gaps; the line is there when the answer is', () =>
  withStage({ replicas: [replica.port] }, async (stage) => {
    const ids = new Set<string>();
    for (let turn = 0; turn < 30; turn += 1) {
      const { fields } = await call(stage.port, `${path}?secret=${turn}`);
      ids.add(String(fields['x-headgate-request-id']));
      const records = await stage.records(turn + 1);
      assert.equal(records.length, turn + 1);
    }
    const records = await stage.records(30);
    assert.deepEqual(new Set(records.map(({ requestId }) => requestId)), ids);
    for (const worker of new Set(records.map((record) => record.worker))) {
      const sequences = records.filter((record) => record.worker === worker).map(({ sequence }) => sequence);
      assert.deepEqual(
        sequences,
        sequences.map((_one, index) => index + 1),
      );
    }
    assert.ok(records.every(({ core }) => core.path === path && core.service === 'scoring' && core.model === 'm'));
  }));

test('conditions on a header are decided for each of its values', () => {
  const when = {
    cel: 'request.headers["x-region"] == "eu"',
    reads: { headers: ['x-region'], address: false, time: false },
  };
  const access = (plan: Plan): AccessPlan => {
    const rules = plan.access.rules.map((rule) => ({ ...rule, when }));
    return { ...plan.access, rules, reads: { scoring: when.reads } };
  };
  return withStage({ replicas: [replica.port] }, async (stage) => {
    await stage.engine.swap({ ...stage.plan, access: access(stage.plan) });
    for (let turn = 0; turn < 4; turn += 1) {
      for (const [fields, status] of [
        ['x-region: eu\r\n', 200],
        ['x-region: us\r\n', 401],
        ['', 401],
        ['X-Region: eu\r\nx-region: us\r\n', 401],
      ] as const) {
        const raw = await sendRaw(stage.port, predictHead(`${fields}content-length: 0\r\nconnection: close\r\n`));
        assert.match(raw, new RegExp(`^HTTP/1.1 ${status} `), fields);
      }
    }
  });
});

test('stop lets calls end, and ends what does not within its time', async () => {
  using hanging = await startReplica((incoming, answer) => {
    incoming.resume();
    if (!incoming.url?.includes('never')) setTimeout(() => answer.end('late'), 100);
  });
  await using stage = await startStage({ replicas: [hanging.port] });
  const [late, never] = [call(stage.port), call(stage.port, `${path}?never`)];
  never.catch(() => undefined);
  await eventually(async () => {
    const inFlight = (await stage.engine.status()).endpoints.reduce((sum, one) => sum + one.inFlight, 0);
    return inFlight === 2 || undefined;
  });
  const startedMs = performance.now();
  await stage.stop();
  assert.ok(performance.now() - startedMs < 2000);
  assert.equal((await late).body, 'late');
  await assert.rejects(never);
});

test('a Plan that can not be taken up is an error, and nothing is left running', async () => {
  await using stage = await startStage({ replicas: [replica.port] });
  const context = { clock: { now: () => Date.now() }, log: () => undefined };
  const listeners = stage.plan.listeners.map((listener) => ({ ...listener, address: { host: '192.0.2.1', port: 0 } }));
  await assert.rejects(runEmbedded({ ...context, plan: { ...stage.plan, listeners } }));
  await assert.rejects(
    stage.engine.swap({ ...stage.plan, listeners: listeners.map((one) => ({ ...one, name: 'x' })) }),
  );
  assert.equal((await call(stage.port)).status, 200);
});

test('a Plan that no gate can read changes nothing', async () => {
  await using stage = await startStage({ replicas: [replica.port] });
  await stage.engine.swap(denying(stage.plan));
  const before = (await stage.engine.status()).processes.length;
  const broken = { ...stage.plan, access: { ...stage.plan.access, rules: undefined } } as unknown as Plan;
  await assert.rejects(stage.engine.swap(broken));
  assert.equal((await call(stage.port)).status, 403);
  assert.equal((await stage.engine.status()).processes.length, before);
});
