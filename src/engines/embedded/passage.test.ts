import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcp } from 'node:net';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { unsizedBodyBytesMax } from '../../std/limits.ts';
import { eventually, predictHead, sendRaw, startReplica, startStage } from './testing/stage.ts';

const path = '/v1/models/m:predict';
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const opened = openedHere();
/** What the replica does is in the query. */
const replica = await startReplica(async (call, answer) => {
  const what = new URL(call.url ?? '', 'http://a').searchParams;
  if (what.has('early')) answer.writeEarlyHints({ link: '</style.css>; rel=preload' });
  const body = await bytesOf(call);
  if (what.has('echo')) answer.end(body);
  else if (what.has('large')) {
    for (let piece = 0; piece < 64; piece += 1) {
      if (!answer.write(Buffer.alloc(65_536, piece))) await once(answer, 'drain');
    }
    answer.end();
  } else if (what.has('trailers')) {
    answer.writeHead(200, { trailer: 'x-sum' });
    answer.write('abc');
    answer.addTrailers({ 'x-sum': '6' });
    answer.end();
  } else if (what.has('slowly')) {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.write('first');
    setTimeout(() => answer.end('last'), 300);
  } else if (what.has('cut')) {
    answer.writeHead(200, { 'content-length': '1000000' });
    answer.write(Buffer.alloc(200_000));
    setTimeout(() => call.socket.destroy(), 20);
  } else if (what.has('nothing')) answer.writeHead(204).end();
  else answer.end(JSON.stringify({ fields: call.rawHeaders, bytes: body.length, sum: digest(body) }));
});
opened.use(replica);
const stage = opened.use(await startStage({ replicas: [replica.port] }));

async function post(target: string, body?: Buffer | string, fields: Record<string, string> = {}) {
  const sending = request({ host: '127.0.0.1', port: stage.port, method: 'POST', path: target, headers: fields });
  sending.end(body);
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  return { answer, body: await bytesOf(answer) };
}

test('large bodies go through both ways, byte for byte', async () => {
  const sent = randomBytes(5 * 1024 * 1024);
  const known = await post(`${path}?a`, sent);
  assert.equal(JSON.parse(known.body.toString()).sum, digest(sent));
  const small = sent.subarray(0, unsizedBodyBytesMax);
  const chunked = await post(`${path}?a`, small, { 'transfer-encoding': 'chunked' });
  assert.equal(JSON.parse(chunked.body.toString()).sum, digest(small));
  const echoed = await post(`${path}?echo`, sent);
  assert.equal(digest(echoed.body), digest(sent));
  assert.equal((await post(`${path}?large`)).body.length, 64 * 65_536);
});

test('a slow reader slows the replica down, and nothing piles up', async () => {
  const sending = request({ host: '127.0.0.1', port: stage.port, method: 'POST', path: `${path}?large` });
  sending.end();
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await bytesOf(answer)).length, 64 * 65_536);
});

test('an answer that comes slowly is not held back', async () => {
  const sending = request({ host: '127.0.0.1', port: stage.port, method: 'POST', path: `${path}?slowly` });
  sending.end();
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  const startedMs = performance.now();
  const [first] = (await once(answer, 'data')) as [Buffer];
  assert.equal(first.toString(), 'first');
  assert.ok(performance.now() - startedMs < 250);
  assert.equal((await bytesOf(answer)).toString(), 'last');
});

test('trailers, early hints, and answers without a body go through', async () => {
  const { answer, body } = await post(`${path}?trailers`);
  assert.deepEqual([body.toString(), answer.trailers['x-sum']], ['abc', '6']);
  const hinted = request({ host: '127.0.0.1', port: stage.port, method: 'POST', path: `${path}?early` });
  const hints = once(hinted, 'information') as Promise<[{ statusCode: number }]>;
  hinted.end();
  assert.equal((await hints)[0].statusCode, 103);
  const nothing = await post(`${path}?nothing`);
  assert.deepEqual([nothing.answer.statusCode, nothing.body.length], [204, 0]);
});

test('what belongs to the connection, and what is ours, is removed; ours is set', async () => {
  const raw = await sendRaw(
    stage.port,
    predictHead(
      'connection: close, x-mine\r\nx-mine: 1\r\nkeep-alive: 5\r\nte: trailers\r\nupgrade: websocket\r\nproxy-connection: x\r\n' +
        'X-Headgate-Subject: root\r\nx_headgate_subject: root\r\nX-Forwarded-For: 10.0.0.1\r\nForwarded: for=1\r\n' +
        'x-kept: yes\r\nx-kept: twice\r\ncontent-length: 0\r\n',
    ),
  );
  const fields = JSON.parse(raw.split('\r\n\r\n')[1] ?? '').fields as string[];
  const names = fields.filter((_text, index) => index % 2 === 0);
  for (const gone of ['x-mine', 'keep-alive', 'te', 'upgrade', 'proxy-connection', 'x_headgate_subject', 'Forwarded']) {
    assert.ok(!names.includes(gone), gone);
  }
  assert.deepEqual(fields.slice(0, 2), ['host', 'a']);
  assert.equal(names.filter((name) => name === 'x-kept').length, 2);
  assert.equal(fields[names.indexOf('x-forwarded-for') * 2 + 1], '127.0.0.1');
  assert.equal(names.filter((name) => name.toLowerCase() === 'x-forwarded-for').length, 1);
  assert.ok(names.includes('x-headgate-request-id'));
  assert.match(raw, /x-headgate-request-id: \S+/);
});

test('an answer that breaks off breaks off for the client, too', async () => {
  const sending = request({ host: '127.0.0.1', port: stage.port, method: 'POST', path: `${path}?cut` });
  sending.end();
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  await assert.rejects(bytesOf(answer));
});

test('the same over h2: bodies, trailers, breaking off', async () => {
  const client = connectHttp2(`http://127.0.0.1:${stage.port}`);
  const call = async (query: string, body: Buffer) => {
    const stream = client.request({
      ':method': 'POST',
      ':path': `${path}?${query}`,
      'content-length': String(body.length),
    });
    let trailers: Record<string, unknown> = {};
    stream.on('trailers', (fields) => {
      trailers = fields;
    });
    stream.end(body);
    const [headers] = await once(stream, 'response');
    return { headers, body: await bytesOf(stream), trailers };
  };
  const sent = randomBytes(2 * 1024 * 1024);
  assert.equal(digest((await call('echo', sent)).body), digest(sent));
  assert.equal(JSON.parse((await call('a', sent)).body.toString()).sum, digest(sent));
  assert.equal((await call('trailers', Buffer.alloc(0))).trailers['x-sum'], '6');
  assert.equal((await call('nothing', Buffer.alloc(0))).headers[':status'], 204);
  await assert.rejects(call('cut', Buffer.alloc(0)));
  client.close();
});

test('an answer with fields twice goes through over h2 as over HTTP/1.1', async () => {
  const odd = createTcp((socket) => {
    const answer =
      'HTTP/1.1 200 OK\r\ndate: a\r\ndate: b\r\ncontent-type: a\r\ncontent-type: b\r\ncontent-length: 2\r\n\r\nok';
    socket.on('error', () => undefined).on('data', () => socket.write(answer));
  });
  opened.adopt(odd.listen(0, '127.0.0.1'), (it) => void it.close());
  await once(odd, 'listening');
  await using doubled = await startStage({ replicas: [(odd.address() as AddressInfo).port] });
  const client = connectHttp2(`http://127.0.0.1:${doubled.port}`);
  for (let turn = 0; turn < 2; turn += 1) {
    const stream = client.request({ ':method': 'POST', ':path': path });
    stream.end();
    assert.equal((await bytesOf(stream)).toString(), 'ok');
  }
  assert.match(
    await sendRaw(doubled.port, predictHead('content-length: 0\r\nconnection: close\r\n')),
    /^HTTP\/1\.1 200/,
  );
  assert.deepEqual(doubled.log, []);
  client.close();
});

test('a client that leaves ends the call at the replica, and is recorded with status 0', async () => {
  let leftAt: number | undefined;
  using slow = await startReplica((call) => {
    call.resume();
    call.socket.on('close', () => {
      leftAt = performance.now();
    });
  });
  await using other = await startStage({ replicas: [slow.port] });
  const socket = connectTcp(other.port, '127.0.0.1');
  socket.write(predictHead('content-length: 0\r\n'));
  await eventually(async () => (await other.engine.status()).endpoints[0]?.inFlight === 1 || undefined);
  socket.destroy();
  await eventually(() => leftAt);
  const [record] = await other.records(1);
  assert.deepEqual([record?.core.status, record?.core.outcome], [0, 'allow']);
  await eventually(async () => (await other.engine.status()).endpoints[0]?.inFlight === 0 || undefined);
  const h2 = connectHttp2(`http://127.0.0.1:${other.port}`);
  leftAt = undefined;
  const stream = h2.request({ ':method': 'POST', ':path': path });
  stream.on('error', () => undefined);
  stream.end();
  await eventually(async () => (await other.engine.status()).endpoints[0]?.inFlight === 1 || undefined);
  stream.close(8);
  await eventually(() => leftAt);
  h2.close();
});

test('a replica that can not be reached is passed over, even with a large body; when none can: 503', async () => {
  const gone = createTcp();
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const gonePort = (gone.address() as AddressInfo).port;
  gone.close();
  await using half = await startStage({ replicas: [gonePort, replica.port] });
  const large = randomBytes(300_000);
  for (let turn = 0; turn < 6; turn += 1) {
    const sending = request({ host: '127.0.0.1', port: half.port, method: 'POST', path });
    sending.end(turn % 2 === 0 ? large : 'small');
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, 200);
    await bytesOf(answer);
  }
  await using none = await startStage({ replicas: [gonePort] });
  const raw = await sendRaw(none.port, predictHead('content-length: 0\r\nconnection: close\r\n'));
  assert.match(raw, /^HTTP\/1\.1 503 .*"code":"upstream-unavailable"/s);
  assert.match(raw, /retry-after: 1/);
  const [record] = await none.records(1);
  assert.deepEqual([record?.core.outcome, record?.core.reason], ['deny', 'upstream-unavailable']);
});

test('a connection that the replica closes is tried once more; answers that are no HTTP are 502', async () => {
  let calls = 0;
  const closing = createTcp((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      calls += 1;
      if (calls === 1) socket.destroy();
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
    });
  });
  opened.adopt(closing.listen(0, '127.0.0.1'), (it) => void it.close());
  await once(closing, 'listening');
  await using closed = await startStage({ replicas: [(closing.address() as AddressInfo).port] });
  assert.match(
    await sendRaw(closed.port, predictHead('content-length: 0\r\nconnection: close\r\n')),
    /^HTTP\/1\.1 200/,
  );
  assert.equal(calls, 2);
  const odd = createTcp((socket) =>
    socket.on('error', () => undefined).once('data', () => socket.end('what?\r\n\r\n')),
  );
  opened.adopt(odd.listen(0, '127.0.0.1'), (it) => void it.close());
  await once(odd, 'listening');
  await using broken = await startStage({ replicas: [(odd.address() as AddressInfo).port] });
  const raw = await sendRaw(broken.port, predictHead('content-length: 0\r\nconnection: close\r\n'));
  assert.match(raw, /^HTTP\/1\.1 502 .*"code":"upstream-malformed"/s);
});

test('work goes to the replica with least of it', async () => {
  const seen = [0, 0];
  const replicas = await Promise.all(
    seen.map((_count, index) =>
      startReplica((_call, answer) => {
        seen[index] = (seen[index] ?? 0) + 1;
        setTimeout(() => answer.end('ok'), index === 0 ? 60 : 1);
      }),
    ),
  );
  for (const each of replicas) opened.use(each);
  await using two = await startStage({ replicas: replicas.map(({ port }) => port) });
  const client = connectHttp2(`http://127.0.0.1:${two.port}`);
  const worker = async (): Promise<void> => {
    for (let call = 0; call < 15; call += 1) {
      const stream = client.request({ ':method': 'POST', ':path': path });
      stream.end();
      await bytesOf(stream);
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  assert.ok((seen[1] ?? 0) > 2 * (seen[0] ?? 0), `${seen}`);
  client.close();
});
