import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { addressesOf } from '../../plan/index.ts';
import { call, predict, type Stage, type StageOptions, startStage, testRule } from './testing/stage.ts';

/** The model `m` goes the assisted way, `n` doesn't. */
const models = { m: { repeats: { share: 'rule' } } } as const;
const rules = [testRule({ resources: [{ service: 'scoring', segments: ['*'] }] })];

const ok: RequestListener = (_request, response) => void response.end('{}');

async function stage(context: TestContext, options: StageOptions = {}): Promise<Stage> {
  const started = await startStage({ upstream: { models }, access: { rules }, ...options });
  context.after(() => started.stop());
  return started;
}

test('a call is handed over, missed and kept, with what the replica is to know and nothing of ours', async (context) => {
  const { port, token, seen, records, engine } = await stage(context);
  const ann = token('ann ß%');
  const spoofed = {
    'x-headgate-pass': 'forged',
    X_Headgate_Pass: 'forged',
    'x-headgate-started': '1',
    'x-headgate-carried': 'queue-full;-;-;-;-;-;-',
    'x-headgate-subject': 'root',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  };
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await call(port, `${predict('m')}?a=1`, ann, { headers: spoofed });
    assert.deepEqual([answer.status, answer.body], [200, '{"predictions":[1]}']);
    assert.equal(answer.headers.get('x-headgate-carried'), null);
    const sent = seen[turn]?.headers ?? {};
    assert.equal(seen[turn]?.url, `${predict('m')}?a=1`);
    assert.equal(sent['x-headgate-subject'], 'ann%20%C3%9F%25');
    assert.equal(sent['x-headgate-request-id'], answer.headers.get('x-headgate-request-id'));
    assert.equal(sent['x-forwarded-for'], '127.0.0.1');
    assert.match(String(sent['x-headgate-assertion']), /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    const ours = ['authorization', 'x-headgate-pass', 'x_headgate_pass', 'x-headgate-started', 'x-headgate-carried'];
    for (const name of ours) assert.equal(sent[name], undefined, name);
  }
  assert.equal((await engine.status()).keptDecisions, 1);
  const [first, ...others] = await records(3);
  assert.equal(first?.core.reason, 'rule-allows');
  assert.equal(first?.core.traceId, 'a'.repeat(32));
  assert.match(first?.timing.endpoint ?? '', /^127\.0\.0\.1:\d+$/);
  for (const other of others) assert.deepEqual({ ...other.core }, { ...first?.core });
});

test('calls of other models pay nothing: they are kept as they are, and go to the replica directly', async (context) => {
  const { port, token, seen, side, records } = await stage(context);
  const ann = token('ann');
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await call(port, predict('n'), ann)).status, 200);
  await side?.stop(100);
  assert.equal((await call(port, predict('n'), ann)).status, 200);
  assert.equal(seen.length, 3);
  const ended = await records(3);
  assert.equal(new Set(ended.map(({ timing }) => timing.endpoint)).size, 1);
});

test('without the assisting side its calls are 503 with Retry-After, and go nowhere else', async (context) => {
  const { port, token, seen, side, records } = await stage(context);
  const ann = token('ann');
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  await side?.stop(100);
  for (const who of [ann, token('bob')]) {
    const refused = await call(port, predict('m'), who);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    assert.equal(JSON.parse(refused.body).requestId, refused.headers.get('x-headgate-request-id'));
  }
  assert.equal(seen.length, 1);
  const ended = await records(3);
  assert.deepEqual(
    ended.map(({ core }) => [core.status, core.reason]),
    [
      [200, 'rule-allows'],
      [503, 'upstream-unavailable'],
      [503, 'upstream-unavailable'],
    ],
  );
  assert.equal(ended[1]?.timing.endpoint, undefined);
});

test('a service that is down is a refusal of the assisting side, in the words and with the reason of any', async (context) => {
  const { port, token, records } = await stage(context, { replicas: [(request) => request.socket.destroy()] });
  const refused = await call(port, predict('m'), token('ann'));
  assert.equal(refused.status, 502);
  const problem = JSON.parse(refused.body);
  assert.deepEqual(
    [problem.code, problem.requestId],
    ['upstream-malformed', refused.headers.get('x-headgate-request-id')],
  );
  const [record] = await records(1);
  assert.deepEqual(
    [record?.core.outcome, record?.core.reason, record?.core.status],
    ['deny', 'upstream-malformed', 502],
  );
  assert.match(record?.timing.endpoint ?? '', /^127\.0\.0\.1:\d+$/);
});

test('a refusal of the gate, and a limit, never come to the assisting side', async (context) => {
  const limits = [{ count: 1, periodMs: 60_000, burst: 1, per: 'caller' }] as const;
  const { port, token, seen } = await stage(context, { access: { rules: [testRule({ limits })] } });
  assert.equal((await call(port, predict('m'))).status, 401);
  assert.equal((await call(port, predict('n'), token('ann'))).status, 403);
  const ann = token('ann');
  const statuses: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) statuses.push((await call(port, predict('m'), ann)).status);
  assert.deepEqual(statuses, [200, 429, 429]);
  assert.equal(seen.length, 1);
});

test('bodies of every size, with a length and without, and answers of every size come through', async (context) => {
  const echo = (request: NodeJS.ReadableStream, response: NodeJS.WritableStream): void => void request.pipe(response);
  const { port, token } = await stage(context, { replicas: [echo] });
  for (const bytes of [0, 100, 16_000, 70_000, 3_000_000]) {
    const body = 'x'.repeat(bytes);
    const answer = await call(port, predict('m'), token('ann'), { body });
    assert.equal(answer.status, 200, `${bytes} bytes`);
    assert.ok(answer.body === body, `${bytes} bytes`);
  }
  const stream = new Blob(['y'.repeat(9000)]).stream();
  const answer = await call(port, predict('m'), token('ann'), { body: stream, duplex: 'half' } as RequestInit);
  assert.deepEqual([answer.status, answer.body.length], [200, 9000]);
});

test('a policy change holds on the assisted way, too', async (context) => {
  const { port, token, engine, side, changed, plan } = await stage(context);
  const ann = token('ann');
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  for (const [next, status] of [
    [changed({ rules: [] }), 403],
    [changed({ rules: [testRule({ name: 'other' })] }), 200],
    [plan, 200],
  ] as const) {
    await side?.swap(next);
    await engine.swap(next);
    assert.equal((await call(port, predict('m'), ann)).status, status);
    assert.equal((await call(port, predict('m'), ann)).status, status);
  }
  assert.equal((await engine.status()).processes.length, 1);
});

test('while replicas differ in a model, its calls go the assisted way, kept ones too, and then no longer', async (context) => {
  const health = { everyMs: 1000, rise: 1, fall: 1 };
  const { port, token, engine, side, plan, seen } = await stage(context, { upstream: { health }, replicas: [ok, ok] });
  const ann = token('ann');
  const states = (...lacks: string[]) => ({
    scoring: (plan.upstreams[0]?.endpoints ?? []).map((endpoint, index) => ({
      ...addressesOf(endpoint),
      isUp: true,
      lacks: index === 0 ? lacks : [],
    })),
  });
  const tell = async (replicas: ReturnType<typeof states>): Promise<void> => {
    await side?.setReplicas?.(replicas);
    await engine.setReplicas?.(replicas);
  };
  const status = async (model: string, who = ann): Promise<number> => (await call(port, predict(model), who)).status;
  await tell(states());
  assert.equal(await status('m'), 200);
  await tell(states());
  assert.equal((await engine.status()).keptDecisions, 1);
  await tell(states('m'));
  assert.deepEqual([await status('m'), await status('n'), await status('m')], [200, 200, 200]);
  assert.equal((await engine.status()).keptDecisions, 2);
  // What is kept of the other model goes directly; what is asked about may turn out to be of the one that is uneven.
  await side?.stop(100);
  const before = seen.length;
  assert.deepEqual([await status('m'), await status('n'), await status('n', token('bob'))], [503, 200, 503]);
  assert.equal(seen.length, before + 1);
  await tell(states());
  assert.deepEqual([await status('m'), await status('n'), await status('m')], [200, 200, 200]);
});

test('calls of a sequence stay at their replica, missed and kept, by whatever policy', async (context) => {
  const replicas = ['a', 'b', 'c'].map(
    (name): RequestListener =>
      (_request, response) =>
        void response.end(name),
  );
  const traffic = { models: { m: { sequence: { header: 'x-sequence-id' } } } };
  const { port, token, engine, side, changed } = await stage(context, { upstream: traffic, replicas });
  const places = new Map<string, Set<string>>();
  const callAll = async (): Promise<void> => {
    for (let turn = 0; turn < 24; turn += 1) {
      const sequence = `s${turn % 12}`;
      const who = token(turn % 2 === 0 ? 'ann' : 'bob');
      const answer = await call(port, predict('m'), who, { headers: { 'x-sequence-id': sequence } });
      assert.equal(answer.status, 200);
      places.set(sequence, (places.get(sequence) ?? new Set()).add(answer.body));
    }
  };
  await callAll();
  const next = changed({ rules: [testRule({ name: 'other' })] });
  await side?.swap(next);
  await engine.swap(next);
  await callAll();
  assert.deepEqual(
    [...places.values()].filter(({ size }) => size !== 1),
    [],
  );
  assert.ok(new Set([...places.values()].flatMap((each) => [...each])).size > 1, 'they are spread');
});
