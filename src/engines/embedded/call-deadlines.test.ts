import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { eventually, predictHead, sendRaw, startReplica, startStage } from './testing/stage.ts';

const path = '/v1/models/m:predict';
const opened = openedHere();
let closed = 0;
/** What it does is in the query. */
const replica = opened.use(
  await startReplica((call, answer) => {
    const what = call.url?.split('?')[1];
    call.socket.once('close', () => {
      closed += 1;
    });
    call.resume();
    if (what === 'half') {
      answer.writeHead(200, { 'content-length': '200000' });
      answer.write(Buffer.alloc(100_000));
    } else if (what === 'busy') answer.writeHead(503, { 'retry-after': '1' }).end('busy');
    else if (what !== 'silent') answer.end('good');
  }),
);
const stage = opened.use(await startStage({ replicas: [replica.port], upstream: { timeouts: { deadlineMs: 300 } } }));
async function post(what: string, port = stage.port): Promise<{ status: number; text: string; tookMs: number }> {
  const startedMs = performance.now();
  const sending = request({ host: '127.0.0.1', port, method: 'POST', path: `${path}?${what}`, agent: false });
  sending.end('{}');
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return {
    status: answer.statusCode ?? 0,
    text: Buffer.concat(chunks).toString(),
    tookMs: performance.now() - startedMs,
  };
}

test('a call that is not done in time is ended, and so is what it does at the replica', async () => {
  const before = closed;
  const late = await post('silent');
  assert.equal(late.status, 504);
  assert.match(late.text, /"code":"deadline-exceeded"/);
  assert.ok(late.tookMs >= 299 && late.tookMs < 2000, `${late.tookMs}`);
  await eventually(() => closed > before || undefined);
  const [record] = await stage.records(1);
  assert.deepEqual([record?.core.reason, record?.core.status], ['deadline-exceeded', 504]);
  assert.equal(record?.timing.endpoint, `127.0.0.1:${replica.port}`);
  const { endpoints } = await stage.engine.status();
  assert.equal(endpoints[0]?.inFlight, 0);
  assert.equal((await post('')).status, 200);
});

test('an answer that has begun breaks off', async () => {
  const before = closed;
  const startedMs = performance.now();
  await assert.rejects(post('half'));
  assert.ok(performance.now() - startedMs < 2000);
  await eventually(() => closed > before || undefined);
});

test('waiting for another try that would be too late is spared; what there is goes on', async () => {
  const told = await post('busy');
  assert.deepEqual([told.status, told.text], [503, 'busy']);
});

test('a body that does not come counts as well', async () => {
  const raw = await sendRaw(stage.port, predictHead('content-length: 10\r\nconnection: close\r\n'), 'abc');
  assert.match(raw, /^HTTP\/1\.1 504 .*"code":"deadline-exceeded"/s);
});

test('how long a replica may be silent is the plan’s', async () => {
  await using short = await startStage({ replicas: [replica.port], upstream: { timeouts: { answerMs: 200 } } });
  const { status, text, tookMs } = await post('silent', short.port);
  assert.equal(status, 504);
  assert.match(text, /"code":"upstream-timeout"/);
  assert.ok(tookMs >= 199 && tookMs < 3000, `${tookMs}`);
});
