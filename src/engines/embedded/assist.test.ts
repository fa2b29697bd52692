import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { frame, modelName, modelSpec } from '../../../test/support/protobuf-bytes.ts';
import { createGate, createPasses, loadGateKeys, type Permit } from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { systemClock } from '../../std/clock.ts';
import { carriedField, passField, readCarried, startedField } from '../assisted-fields.ts';
import { assistEmbedded } from './assist.ts';
import { eventually, stagePlan, startReplica } from './testing/stage.ts';

const opened = openedHere();
const folder = mkdtempSync(join(tmpdir(), 'hg-assist-'));
opened.defer(() => rmSync(folder, { recursive: true, force: true }));
chmodSync(folder, 0o700);
const seen: IncomingMessage[] = [];
const replica = await startReplica((asked, response) => {
  seen.push(asked);
  const long = asked.url?.includes('?long') === true;
  response.setHeader('x-headgate-carried', 'queue-full;a;1;1;1;1;x');
  if (long) response.write('a'.repeat(200_000));
  response.end('done');
});
opened.defer(() => replica.close());
const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const plan = stagePlan(folder, { replicas: [replica.port], grpc: [upstream.port] });
const keys = await loadGateKeys(plan.state, systemClock);
const passes = createPasses({ keys, environment: plan.environment });
const socketPath = join(folder, 'assist.sock');
const side = await assistEmbedded({ plan, clock: systemClock, log: () => undefined, socket: socketPath });
opened.defer(() => side.stop(200));

const target = '/v1/models/m:predict';
const predict = '/tensorflow.serving.PredictionService/Predict';

async function permit(of: Plan, message?: { readonly model: string }): Promise<Permit> {
  const gate = createGate({ plan: of, keys, clock: systemClock });
  const asked = { id: 'r', listener: 'public', method: 'POST', authority: 'a', headers: [], address: '127.0.0.1' };
  const answer = await gate.check({
    ...asked,
    target: message === undefined ? target : predict,
    ...(message && { message }),
  });
  return answer.kind === 'permit' ? answer : assert.fail(answer.reason);
}

const passOf = async (of = plan): Promise<string> => passes.seal(await permit(of), systemClock.now());
const fields = (pass: string) => ({
  [passField]: pass,
  [startedField]: String(systemClock.now()),
  'x-headgate-request-id': 'w.1-7',
  'x-headgate-subject': 'ann',
  'x-forwarded-for': '192.0.2.7',
  'x-mine': 'b',
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function call(headers: Record<string, string>, path = target): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sending = request({ socketPath, path, method: 'POST', headers: { host: 'a', ...headers } }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sending.on('error', reject).end('{}');
  });
}

test('a call with a pass is carried, with what was set for the replica and without what is between us', async () => {
  const answer = await call(fields(await passOf()));
  assert.deepEqual([answer.status, answer.body], [200, 'done']);
  const { headers, url } = seen.at(-1) ?? assert.fail();
  assert.equal(url, target);
  const got = [headers['x-headgate-request-id'], headers['x-headgate-subject'], headers['x-forwarded-for']];
  assert.deepEqual([...got, headers['x-mine']], ['w.1-7', 'ann', '192.0.2.7', 'b']);
  assert.deepEqual([headers[passField], headers[startedField]], [undefined, undefined]);
  const how = readCarried(String(answer.headers[carriedField]));
  assert.equal(how?.endpoint, `127.0.0.1:${replica.port}`);
  assert.equal(how?.reason, undefined);
});

test('an answer that is streamed says where it comes from, too', async () => {
  const answer = await call(fields(await passOf()), `${target}?long`);
  assert.equal(answer.body.length, 200_004);
  assert.equal(readCarried(String(answer.headers[carriedField]))?.endpoint, `127.0.0.1:${replica.port}`);
});

test('without a pass, or with another, nothing is dialled', async () => {
  const before = seen.length;
  const good = await passOf();
  const { [passField]: _none, ...bare } = fields('');
  const grpc = passes.seal(await permit(plan, { model: 'm' }), systemClock.now());
  const foreign = createPasses({ keys, environment: 'other' }).seal(await permit(plan), systemClock.now());
  const other = await passOf({ ...plan, epoch: 'ffffffffffffffff' });
  for (const headers of [bare, fields(''), fields(`${good}x`), fields(grpc), fields(foreign), fields(other)]) {
    const answer = await call(headers);
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
    assert.equal(JSON.parse(answer.body).requestId, 'w.1-7');
    assert.equal(readCarried(String(answer.headers[carriedField]))?.reason, 'gate-unavailable');
  }
  assert.equal(seen.length, before);
});

test('what is sent goes to the path of the pass, whatever path it comes by', async () => {
  assert.equal((await call(fields(await passOf()), '/v1/models/n:predict?a=1')).status, 200);
  assert.equal(seen.at(-1)?.url, `${target}?a=1`);
});

test('a policy that was replaced is good for calls on their way, and the new one at once', async () => {
  const old = await passOf();
  const next: Plan = { ...plan, epoch: 'aaaaaaaaaaaaaaaa' };
  await side.swap(next);
  assert.equal((await call(fields(old))).status, 200);
  assert.equal((await call(fields(await passOf(next)))).status, 200);
  await side.swap(plan);
});

test('gRPC is walked here, too: another message than the one that the pass was given for is refused', async () => {
  const pass = passes.seal(await permit(plan, { model: 'm' }), systemClock.now());
  const session = connectHttp2('http://a', { createConnection: () => connect(socketPath) });
  const send = (model: string, headers: Record<string, string>) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const stream = session.request({
        ...{ ':method': 'POST', ':path': predict, te: 'trailers', 'content-type': 'application/grpc' },
        ...headers,
      });
      const got: Record<string, unknown> = {};
      stream.on('response', (head) => Object.assign(got, head));
      stream.on('trailers', (trailers) => Object.assign(got, trailers));
      stream.on('error', reject);
      stream.on('end', () => resolve(got)).resume();
      stream.end(frame(modelSpec(modelName(model))));
    });
  const good = await send('m', fields(pass));
  assert.equal(good['grpc-status'], '0');
  const how = readCarried(String(good[carriedField]));
  assert.deepEqual([how?.endpoint, how?.grpcStatus], [`127.0.0.1:${upstream.port}`, 0]);
  const ran = upstream.ran.length;
  for (const [model, headers, reason] of [
    ['n', fields(pass), 'gate-fault'],
    ['m', fields(await passOf()), 'gate-unavailable'],
    ['m', fields('x.y'), 'gate-unavailable'],
  ] as const) {
    const refused = await send(model, headers);
    assert.deepEqual([refused[constants.HTTP2_HEADER_STATUS], refused['grpc-status']], [200, '14']);
    assert.equal(readCarried(String(refused[carriedField]))?.reason, reason);
  }
  assert.equal(upstream.ran.length, ran);
  session.close();
});

test('the socket is its owner’s alone, and a thread that ends is started anew', async () => {
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
  const threads: Worker[] = [];
  const post = Worker.prototype.postMessage;
  const spy = mock.method(Worker.prototype, 'postMessage', function (this: Worker, value: unknown) {
    threads.push(this);
    post.call(this, value);
  });
  assert.deepEqual((await side.status()).processes, [{ role: 'assisting', pid: process.pid, epoch: plan.epoch }]);
  spy.mock.restore();
  await threads[0]?.terminate();
  const pass = await passOf();
  const answer = await eventually(() => call(fields(pass)).catch(() => undefined));
  assert.equal(answer.status, 200);
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
});
