import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  call,
  eventually,
  predict,
  type Stage,
  type StageOptions,
  sendRaw,
  startStage,
  testRule,
} from './testing/stage.ts';

async function stage(context: TestContext, options: StageOptions = {}): Promise<Stage> {
  const started = await startStage(options);
  context.after(() => started.stop());
  return started;
}

test('a permit reaches the upstream with who calls, and without what only we may say', async (context) => {
  const { port, token, seen, records } = await stage(context);
  const headers = {
    'x-headgate-subject': 'root',
    X_Headgate_Subject: 'root',
    'x-headgate-assertion': 'forged',
    'x-forwarded-for': '10.0.0.1',
    forwarded: 'for=10.0.0.1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  };
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await call(port, `${predict('m')}?a=1`, token('ann ß%'), { headers });
    assert.equal(answer.status, 200);
    const sent = seen[turn]?.headers ?? {};
    assert.equal(seen[turn]?.url, `${predict('m')}?a=1`);
    assert.equal(sent['x-headgate-subject'], 'ann%20%C3%9F%25');
    assert.equal(sent['x-headgate-request-id'], answer.headers.get('x-headgate-request-id'));
    assert.equal(sent['x-forwarded-for'], '127.0.0.1');
    assert.match(String(sent['x-headgate-assertion']), /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    for (const name of ['authorization', 'forwarded', 'x_headgate_subject']) assert.equal(sent[name], undefined, name);
  }
  const [first, second] = await records(2);
  assert.equal(first?.core.caller?.subject, 'ann ß%');
  assert.equal(first?.core.traceId, 'a'.repeat(32));
  assert.deepEqual({ ...second?.core }, { ...first?.core });
  assert.deepEqual([first?.sequence, second?.sequence], [1, 2]);
});

test('refusals are problem documents with the id of the request', async (context) => {
  const { port, token, seen } = await stage(context);
  const refused = await call(port, predict('n'), token('ann'));
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
  const problem = JSON.parse(refused.body);
  assert.equal(problem.code, 'no-rule-allows');
  assert.equal(problem.requestId, refused.headers.get('x-headgate-request-id'));
  const unknown = await call(port, predict('m'));
  assert.equal(unknown.status, 401);
  assert.equal(unknown.headers.get('www-authenticate'), 'Bearer realm="headgate"');
  assert.equal(
    (await call(port, '/v1/models/m', token('ann'), { method: 'DELETE', body: null })).headers.get('allow'),
    'GET',
  );
  assert.equal(seen.length, 0);
});

test('a permit is kept: the gate is asked once, by all bytes of the key', async (context) => {
  const { port, token, engine } = await stage(context);
  const ann = token('ann');
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await call(port, predict('m'), ann)).status, 200);
  assert.equal((await engine.status()).keptDecisions, 1);
  // The same credential in other bytes, or on another path, is another question.
  assert.equal((await call(port, '/v1/models/m', ann, { method: 'GET', body: null })).status, 200);
  assert.equal((await call(port, predict('n'), ann)).status, 403);
  assert.equal((await call(port, predict('m'), ann.slice(0, -2))).status, 401);
  assert.equal((await engine.status()).keptDecisions, 2);
});

test('two credentials are ambiguous, also behind a kept permit', async (context) => {
  const { port, token } = await stage(context);
  const ann = token('ann');
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  const head = `POST ${predict('m')} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\ncontent-length: 0\r\n`;
  const two = `${head}authorization: Bearer x\r\nauthorization: Bearer ${ann}\r\n\r\n`;
  assert.match(await sendRaw(port, two), /^HTTP\/1.1 400 .*credential-ambiguous/s);
  const proxy = `${head}authorization: Bearer ${ann}\r\nproxy-authorization: Basic eDp5\r\n\r\n`;
  assert.match(await sendRaw(port, proxy), /^HTTP\/1.1 400 .*credential-ambiguous/s);
});

test('what is malformed beside the key is refused, also behind a kept permit', async (context) => {
  const { port, token } = await stage(context);
  const ann = token('ann');
  const raw = (target: string, field: string): Promise<string> => {
    const head = `POST ${target} HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer ${ann}\r\ncontent-length: 0\r\n`;
    return sendRaw(port, `${head}connection: close\r\n${field}\r\n\r\n`);
  };
  for (let turn = 0; turn < 2; turn += 1) assert.match(await raw(predict('m'), 'x-a: b'), /^HTTP\/1.1 200/);
  assert.match(await raw(predict('m'), 'x-a: b\x01c'), /^HTTP\/1.1 400 .*request-malformed/s);
  assert.match(await raw(`${predict('m')}?a=\xe9`, 'x-a: b'), /^HTTP\/1.1 400/);
  assert.match(await raw(`${predict('m')}?a=1#b`, 'x-a: b'), /^HTTP\/1.1 400/);
  assert.match(await raw(predict('m'), `x-a: ${'b'.repeat(13_000)}`), /^HTTP\/1.1 431 .*header-too-large/s);
});

test('a new epoch ends what was kept, and an old one does not bring it back', async (context) => {
  const { port, token, engine, changed, plan } = await stage(context);
  const ann = token('ann');
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  await engine.swap(changed({ rules: [] }));
  assert.equal((await call(port, predict('m'), ann)).status, 403);
  await engine.swap(changed({ rules: [testRule({ name: 'other' })] }));
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  await engine.swap(plan);
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  assert.equal((await engine.status()).processes.length, 1);
});

test('what a condition reads joins the key by a new process, and no call is lost on the way', async (context) => {
  const { port, token, engine, changed, records } = await stage(context);
  const ann = token('ann');
  const reads = { headers: ['x-region'], address: false, time: false };
  const when = { cel: 'request.headers["x-region"] == "eu"', reads };
  let isOver = false;
  let answered = 0;
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const { status } = await call(port, predict('m'), ann, { headers: { 'x-region': 'eu' } });
        assert.equal(status, 200);
        answered += 1;
      }
    }),
  );
  await engine.swap(changed({ rules: [testRule({ when })], reads: { scoring: reads } }));
  isOver = true;
  await load;
  const region = async (value: string): Promise<number> =>
    (await call(port, predict('m'), ann, { headers: { 'x-region': value } })).status;
  assert.deepEqual(
    [await region('eu'), await region('us'), await region('eu'), await region('')],
    [200, 403, 200, 403],
  );
  assert.equal((await records(answered + 4)).length, answered + 4);
});

test('revoking ends what is kept of a subject, and of no other', async (context) => {
  const { port, token, engine, records } = await stage(context);
  const [ann, bob] = [token('ann'), token('bob')];
  for (const each of [ann, bob]) assert.equal((await call(port, predict('m'), each)).status, 200);
  const [record] = await records(1);
  await engine.revoke([record?.core.caller?.id ?? '']);
  // Nothing in this gate refuses ann; that she is asked about again shows in a second core of the answer's record.
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  assert.equal((await call(port, predict('m'), bob)).status, 200);
});

test('a limit admits its burst and then its rate, and says when to come again', async (context) => {
  const { port, token } = await stage(context, { limits: [{ count: 1, periodMs: 1000, burst: 3, per: 'caller' }] });
  const ann = token('ann');
  const statuses = async (count: number): Promise<number[]> =>
    Promise.all(Array.from({ length: count }, async () => (await call(port, predict('m'), ann)).status));
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  const burst = await statuses(12);
  assert.ok(burst.filter((status) => status === 200).length <= 3, String(burst));
  const refused = await call(port, predict('m'), ann);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await call(port, predict('m'), token('bob'))).status, 200);
  await eventually(async () => ((await call(port, predict('m'), ann)).status === 200 ? true : undefined));
});

test('with admission shut every call is 503, kept or not, until it is open', async (context) => {
  const { port, token, engine } = await stage(context);
  const ann = token('ann');
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  await engine.admit?.(false);
  const refused = await call(port, predict('m'), ann);
  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.body).code, 'audit-unavailable');
  await engine.admit?.(true);
  assert.equal((await call(port, predict('m'), ann)).status, 200);
});

test('a replica that can not be reached is passed over; where none can, it is 503', async (context) => {
  const dead = await deadPort();
  const { port, token } = await stage(context, { deadPorts: [dead] });
  for (let turn = 0; turn < 6; turn += 1) assert.equal((await call(port, predict('m'), token('ann'))).status, 200);
  const alone = await stage(context, { deadPorts: [dead], replicas: [] });
  const refused = await call(alone.port, predict('m'), alone.token('ann'));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(JSON.parse(refused.body).requestId, refused.headers.get('x-headgate-request-id'));
  const [record] = await alone.records(1);
  assert.deepEqual([record?.core.reason, record?.core.outcome], ['upstream-unavailable', 'deny']);
});

test('HTTP/2 comes on the same cleartext port', async (context) => {
  const { port, token } = await stage(context);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  context.after(() => session.close());
  for (let turn = 0; turn < 2; turn += 1) {
    const stream = session.request({
      ':method': 'POST',
      ':path': predict('m'),
      authorization: `Bearer ${token('ann')}`,
    });
    stream.end('{}');
    const status = await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
    stream.resume();
    assert.equal(status, 200);
  }
});

test('a route cuts its prefix off, kept or not', async (context) => {
  const { port, token, seen } = await stage(context, {
    routes: [{ pathPrefix: '/tf', service: 'scoring', strip: true }],
  });
  const ann = token('ann');
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await call(port, `/tf${predict('m')}?x=1`, ann)).status, 200);
  assert.deepEqual(
    seen.map(({ url }) => url),
    [`${predict('m')}?x=1`, `${predict('m')}?x=1`],
  );
  assert.equal((await call(port, predict('m'), ann)).status, 404);
});

test('a process that is killed is replaced, and its spool can be read', async (context) => {
  const { port, token, engine, records } = await stage(context);
  const ann = token('ann');
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  const before = (await engine.status()).processes[0]?.pid ?? 0;
  process.kill(before, 'SIGKILL');
  await eventually(async () => {
    const [now] = (await engine.status()).processes;
    return now !== undefined && now.pid !== before ? true : undefined;
  });
  assert.equal((await call(port, predict('m'), ann)).status, 200);
  const workers = (await records(2)).map(({ worker }) => worker);
  assert.equal(new Set(workers).size, 2);
});

async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}
