import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, request, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'node:test';
import { brotliDecompressSync, createGunzip, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { openedHere } from '../../../test/support/opened.ts';
import { startReplica, startStage } from './testing/stage.ts';

const path = '/v1/models/m:predict';
const json = (count: number): Buffer => Buffer.from(JSON.stringify({ predictions: Array(count).fill([0.25, 0.75]) }));
const small = json(20);
const middle = json(1000);
const large = Buffer.from(randomBytes(600_000).toString('hex'));

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const seen: { readonly fields: IncomingMessage['headers']; readonly body: Buffer }[] = [];
/** Pieces of `large` that a replica could send. */
let sent = 0;
async function endless(answer: ServerResponse): Promise<void> {
  for (sent = 0; sent < 30; sent += 1) if (!answer.write(large)) await once(answer, 'drain');
  answer.end();
}
/** What it does is in the query. */
const listener: RequestListener = async (call, answer) => {
  const what = new URL(call.url ?? '', 'http://a').searchParams.get('what');
  seen.push({ fields: call.headers, body: await bytesOf(call) });
  answer.setHeader('content-type', 'application/json');
  if (what === 'small') answer.end(small);
  else if (what === 'large') answer.setHeader('content-length', large.length).end(large);
  else if (what === 'unsized') {
    answer.write(large.subarray(0, 300_000));
    answer.end(large.subarray(300_000));
  } else if (what === 'endless') await endless(answer);
  else if (what === 'slowly') {
    answer.setHeader('content-type', 'text/event-stream');
    answer.write('data: first\n\n');
    setTimeout(() => answer.end('data: last\n\n'), 300);
  } else if (what === 'cut') {
    answer.write(large.subarray(0, 500_000));
    setTimeout(() => call.socket.destroy(), 20);
  } else if (what === 'coded') answer.setHeader('content-encoding', 'gzip').end(gzipSync(middle));
  else if (what === 'nothing') answer.writeHead(204).end();
  else if (what === 'busy' && seen.length % 2 === 1) answer.writeHead(503).end();
  else answer.setHeader('etag', '"a"').end(middle);
};
const opened = openedHere();
const replica = opened.use(await startReplica((call, answer) => void listener(call, answer)));
const compression = { answers: ['zstd', 'br', 'gzip'], requests: 'gzip' } as const;
const stage = opened.use(await startStage({ replicas: [replica.port], upstream: { compression } }));

interface Told {
  readonly status: number | undefined;
  readonly fields: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function call(
  what: string,
  accept: string | undefined,
  { body = '{}' as Buffer | string, method = 'POST', headers = {} } = {},
): Promise<Told> {
  const fields = { ...headers, ...(accept !== undefined && { 'accept-encoding': accept }) };
  const sending = request({
    host: '127.0.0.1',
    port: stage.port,
    method,
    path: `${path}?what=${what}`,
    headers: fields,
    agent: false,
  });
  sending.end(body);
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, fields: answer.headers, body: await bytesOf(answer) };
}

test('an answer comes in what the client takes, with a length, and caches are told', async () => {
  for (const [accept, coding, read] of [
    ['gzip, br, zstd', 'zstd', zstdDecompressSync],
    ['gzip, br', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
  ] as const) {
    const { fields, body } = await call('', accept);
    assert.deepEqual([fields['content-encoding'], fields.vary, fields.etag], [coding, 'accept-encoding', 'W/"a"']);
    assert.equal(Number(fields['content-length']), body.length);
    assert.ok(read(body).equals(middle));
    const record = (await stage.records(1)).at(-1);
    assert.equal(record?.timing.bytesOut, body.length);
  }
  for (const accept of [undefined, 'identity', 'deflate']) {
    const { fields, body } = await call('', accept);
    assert.deepEqual([fields['content-encoding'], fields.vary, fields.etag], [undefined, 'accept-encoding', '"a"']);
    assert.ok(body.equals(middle));
  }
});

test('small answers, coded ones and those without a body stay as they are', async () => {
  const little = await call('small', 'gzip');
  assert.deepEqual([little.fields['content-encoding'], little.fields.vary], [undefined, undefined]);
  assert.ok(little.body.equals(small));
  const only = await call('small', 'gzip, identity;q=0');
  assert.ok(only.fields['content-encoding'] === 'gzip' && gunzipSync(only.body).equals(small));
  const coded = await call('coded', 'zstd');
  assert.ok(coded.fields['content-encoding'] === 'gzip' && gunzipSync(coded.body).equals(middle));
  const nothing = await call('nothing', 'gzip');
  assert.deepEqual([nothing.status, nothing.fields['content-encoding'], nothing.body.length], [204, undefined, 0]);
});

test('large ones are coded as they pass; what the audit counts is what went out', async () => {
  for (const what of ['large', 'unsized']) {
    for (const [accept, read] of [
      ['zstd', zstdDecompressSync],
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const { fields, body } = await call(what, accept);
      assert.deepEqual([fields['content-encoding'], fields['content-length']], [accept, undefined]);
      assert.ok(read(body).equals(large), `${what} ${accept}`);
      assert.ok(body.length < large.length * 0.7);
      assert.equal((await stage.records(1)).at(-1)?.timing.bytesOut, body.length);
    }
  }
  const client = connectHttp2(`http://127.0.0.1:${stage.port}`);
  const stream = client.request({ ':method': 'POST', ':path': `${path}?what=large`, 'accept-encoding': 'gzip' });
  stream.end('{}');
  const [fields] = await once(stream, 'response');
  assert.equal(fields['content-encoding'], 'gzip');
  assert.ok(gunzipSync(await bytesOf(stream)).equals(large));
  client.close();
});

test('a stream stays a stream', async () => {
  const sending = request({
    host: '127.0.0.1',
    port: stage.port,
    method: 'POST',
    path: `${path}?what=slowly`,
    headers: { 'accept-encoding': 'gzip' },
  });
  sending.end('{}');
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  const startedMs = performance.now();
  const plain = answer.pipe(createGunzip());
  const [first] = (await once(plain, 'data')) as [Buffer];
  assert.equal(first.toString(), 'data: first\n\n');
  assert.ok(performance.now() - startedMs < 250);
  const rest = await bytesOf(plain);
  assert.equal(rest.toString(), 'data: last\n\n');
});

test('a slow reader slows the replica down, and gets all of it', async () => {
  const options = { host: '127.0.0.1', port: stage.port, method: 'POST', path: `${path}?what=endless`, agent: false };
  const sending = request({ ...options, headers: { 'accept-encoding': 'gzip' } });
  sending.end('{}');
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  let before = -1;
  while (sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(sent < 20, `${sent} of 30 pieces went, though nobody read`);
  const whole = gunzipSync(await bytesOf(answer));
  assert.equal(whole.length, 30 * large.length);
});

test('one that breaks off is never taken for whole', async () => {
  await assert.rejects(call('cut', 'gzip'));
});

test('requests are coded for the upstream, once, whether they are held, streamed or sent again', async () => {
  const sent = async (body: Buffer, what = '', headers = {}) => {
    const before = seen.length;
    const { status } = await call(what, undefined, { body, headers });
    assert.equal(status, 200);
    return seen.slice(before);
  };
  for (const body of [middle, large]) {
    const [had] = await sent(body);
    assert.equal(had?.fields['content-encoding'], 'gzip');
    assert.ok(gunzipSync(had?.body ?? '').equals(body));
    assert.equal(had?.fields['content-length'] === undefined, body === large);
  }
  const [plain] = await sent(Buffer.from('{}'));
  assert.deepEqual([plain?.fields['content-encoding'], plain?.body.toString()], [undefined, '{}']);
  const own = gzipSync(randomBytes(5000));
  const [coded] = await sent(own, '', { 'content-encoding': 'gzip' });
  assert.ok(coded?.body.equals(own));
  if (seen.length % 2 === 1) await sent(Buffer.from('{}'));
  const tried = await sent(middle, 'busy');
  assert.equal(tried.length, 2);
  for (const { body, fields } of tried) {
    assert.equal(fields['content-encoding'], 'gzip');
    assert.ok(gunzipSync(body).equals(middle));
  }
});
