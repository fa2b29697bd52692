import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request as requestTls } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTls } from '../../../test/support/certificate.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { createGate, loadGateKeys } from '../../gate/index.ts';
import { Turn } from '../../http2/index.ts';
import { systemClock } from '../../std/clock.ts';
import { budgetMemory, RateLimiter, rateMemory, replicaMemory } from '../../traffic/index.ts';
import { Asking } from './asking.ts';
import { Boarding } from './boarding.ts';
import { BoardingWatch } from './boarding-watch.ts';
import { Call } from './call.ts';
import { Carriages } from './carriage.ts';
import { floodMemory } from './flood.ts';
import { GrpcUpstreams } from './grpc-replica.ts';
import { openListener } from './listener.ts';
import { Members } from './members.ts';
import { Roster } from './roster.ts';
import { type Arriving, type Scene, sceneOf, sharedUs } from './scene.ts';
import { Spool } from './spool.ts';
import { eventually, predictHead, sendRaw, stagePlan, startReplica, startStage } from './testing/stage.ts';
import { Upstreams } from './upstreams.ts';
import { Wheel } from './wheel.ts';

const path = '/v1/models/m:predict';
const opened = openedHere();
let arrived = 0;
const replica = await startReplica((call, answer) => {
  arrived += 1;
  const chunks: Buffer[] = [];
  call.on('data', (chunk: Buffer) => chunks.push(chunk));
  call.on('end', () => answer.end(`${Buffer.concat(chunks)}!`));
});
opened.use(replica);
const stage = opened.use(await startStage({ replicas: [replica.port] }));

async function overHttp2(client: ClientHttp2Session, headers: Record<string, string>, body = ''): Promise<string> {
  const stream = client.request({ ':method': 'POST', ':path': path, ...headers });
  stream.end(body);
  const [head] = await once(stream, 'response');
  let text = '';
  for await (const chunk of stream) text += chunk;
  return `${head[':status']} ${text}`;
}

test('one port speaks HTTP/1.1 and h2c, however the first bytes are cut', async () => {
  assert.match(
    await sendRaw(stage.port, ...predictHead('content-length: 2\r\nconnection: close\r\n'), 'hi'),
    /200 OK.*hi!$/s,
  );
  const client = connectHttp2('http://a', {
    createConnection: () => {
      const socket = connect({ port: stage.port, host: '127.0.0.1', noDelay: true });
      return dribbling(socket);
    },
  });
  assert.equal(await overHttp2(client, {}, 'hi'), '200 hi!');
  client.close();
});

/** Sends its first 40 bytes one by one. */
function dribbling(socket: Socket): Socket {
  const write = socket._write.bind(socket);
  let left = 40;
  Object.assign(socket, { _writev: undefined });
  socket._write = (chunk: Buffer, encoding, done) => {
    const bytes = Buffer.from(chunk);
    const next = (at: number): void => {
      if (at === bytes.length) done();
      else if (left === 0) write(bytes.subarray(at), encoding, done);
      else {
        left -= 1;
        write(bytes.subarray(at, at + 1), encoding, () => setTimeout(next, 1, at + 1));
      }
    };
    next(0);
  };
  return socket;
}

test('malformed requests get the words of the table and a record, and the replica nothing', async () => {
  const before = arrived;
  const asked = (await stage.records(0)).length;
  const bad: readonly (readonly [string, number, string])[] = [
    ['HELLO\r\n\r\n', 400, 'request-malformed'],
    [`GET ${path} HTTP/1.1\r\n\r\n`, 400, 'request-malformed'],
    [`GET ${path} HTTP/2.0\r\nhost: a\r\nconnection: close\r\n\r\n`, 400, 'request-malformed'],
    [`GET ${path} HTTP/1.1\r\nhost: a\r\nhost: a\r\nconnection: close\r\n\r\n`, 400, 'request-malformed'],
    [predictHead('content-length: 1\r\ntransfer-encoding: chunked\r\n'), 400, 'request-malformed'],
    [predictHead('transfer-encoding: gzip\r\n'), 400, 'request-malformed'],
    [`${predictHead('transfer-encoding: chunked\r\n')}zz\r\n`, 400, 'request-malformed'],
    ['CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n', 400, 'path-not-canonical'],
    ['GET /v1/../models/m HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 400, 'path-not-canonical'],
    [`GET /${'x'.repeat(5000)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`, 414, 'target-too-long'],
    [predictHead(`x-large: ${'x'.repeat(13_000)}\r\nconnection: close\r\n`), 431, 'header-too-large'],
    [predictHead(`x-bomb: ${'x'.repeat(200_000)}\r\n`), 431, 'header-too-large'],
    [predictHead(`${'x-many: 1\r\n'.repeat(150)}connection: close\r\n`), 431, 'header-too-large'],
    [predictHead('content-length: 100000000\r\n'), 413, 'body-too-large'],
  ];
  for (const [bytes, status, code] of bad) {
    const raw = await sendRaw(stage.port, bytes);
    const [head = '', body = ''] = raw.split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), bytes.slice(0, 80));
    assert.match(head, /content-type: application\/problem\+json/i);
    const id = /x-headgate-request-id: (\S+)/i.exec(head)?.[1];
    const problem = JSON.parse(body) as { code: string; requestId: string };
    assert.deepEqual([problem.code, problem.requestId], [code, id], bytes.slice(0, 80));
  }
  assert.equal(arrived, before);
  const records = (await stage.records(asked + bad.length)).slice(asked);
  const said = records.map(({ core }) => [core.status, core.reason, core.outcome]);
  for (const [, status, code] of bad)
    assert.ok(
      said.some((one) => String(one) === String([status, code, 'deny'])),
      code,
    );
});

test('the same over h2', async () => {
  const client = connectHttp2(`http://127.0.0.1:${stage.port}`);
  assert.match(await overHttp2(client, { ':path': '/v1//models' }), /^400 .*path-not-canonical/);
  assert.match(await overHttp2(client, { ':authority': 'a', host: 'other' }), /^400 .*request-malformed/);
  assert.match(await overHttp2(client, { 'x-large': 'x'.repeat(13_000) }), /^431 .*header-too-large/);
  assert.match(
    await overHttp2(client, { 'content-length': '100000000' }, 'x').catch(() => '413 body-too-large'),
    /^413/,
  );
  client.close();
});

test('over h2, whoever breaks the rules with the first bytes is told so, and nobody else suffers', async () => {
  const stray = Buffer.from([0, 0, 1, 9, 4, 0, 0, 0, 1, 0]);
  const begun = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.alloc(9, 0).fill(4, 3, 4),
    stray,
  ]);
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = Buffer.from(await sendRaw(stage.port, begun.toString('latin1')), 'latin1');
    // GOAWAY, the last that is said.
    assert.deepEqual([answer.at(-14), answer.readUInt32BE(answer.length - 4)], [7, 1]);
  }
  const session = connectHttp2(`http://127.0.0.1:${stage.port}`);
  const stream = session.request({ ':path': '/v1/models/m' });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  session.destroy();
});

test('100-continue is answered only to a call that may be made', async () => {
  const sending = request({
    host: '127.0.0.1',
    port: stage.port,
    method: 'POST',
    path,
    headers: { expect: '100-continue', 'content-length': 2 },
  });
  sending.flushHeaders();
  await once(sending, 'continue');
  sending.end('hi');
  const [answer] = await once(sending, 'response');
  assert.equal(answer.statusCode, 200);
  answer.resume();
  const raw = await sendRaw(stage.port, predictHead('expect: 100-continue\r\ncontent-length: 2\r\n', 'n'));
  assert.match(raw, /^HTTP\/1\.1 401 .*connection: close/is);
});

test('pipelined requests are answered in their order', async () => {
  const one = predictHead('content-length: 1\r\n');
  const last = predictHead('content-length: 1\r\nconnection: close\r\n');
  const raw = await sendRaw(stage.port, `${one}a${one}b${last}c`);
  assert.deepEqual(raw.match(/[abc]!/g), ['a!', 'b!', 'c!']);
});

test('a body without a length is refused while it streams', async () => {
  const socket = connect(stage.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(predictHead('transfer-encoding: chunked\r\n'));
  const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1024 * 1024), Buffer.from('\r\n')]);
  for (let sent = 0; sent < 80 && answer === ''; sent += 1) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'data')]);
  }
  await eventually(() => answer.endsWith('}\n') || undefined);
  assert.match(answer, /^HTTP\/1\.1 411 .*"code":"length-required"/s);
  socket.destroy();
});

test('slow clients: a silent one is ended, a half-sent head is 408 and recorded, so is a body that never comes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-listener-'));
  const plan = stagePlan(folder, { replicas: [replica.port] });
  const keys = await loadGateKeys(plan.state, systemClock);
  const gate = createGate({ plan, keys, clock: systemClock });
  const spool = new Spool({ directory: join(folder, 'spool'), worker: 'w', log: () => undefined });
  const replicas = replicaMemory(1, 16);
  const members = new Members({ memory: replicas, thread: 0, nowMs: () => performance.now(), log: () => undefined });
  members.replace(new Roster(replicas).planned(plan), plan.upstreams, plan.access.services);
  const upstreams = new Upstreams(members);
  upstreams.refresh();
  const turn = new Turn();
  const scene = {
    ...sceneOf(plan),
    turn,
    worker: 'w',
    clock: systemClock,
    makeCall: (of: Scene, { listener: name, exchange }: Arriving) => new Call(of, name, exchange),
    asking: new Asking(gate, { clock: systemClock, share: 1, floods: floodMemory(), sharedUs: sharedUs() }),
    limiter: new RateLimiter(rateMemory(16)),
    spool,
    upstreams,
    grpcUpstreams: new GrpcUpstreams(members, turn),
    boarding: new Boarding({ memory: new BoardingWatch().memory, thread: 0 }),
    carriages: new Carriages({ budgets: budgetMemory(), sharedUs: sharedUs() }),
    wheel: new Wheel(),
    sharedUs: sharedUs(),
    openCalls: undefined,
    isOpen: true,
    calls: 0,
  };
  const [listener] = plan.listeners;
  assert.ok(listener !== undefined);
  const timeouts = { headMs: 100, requestMs: 200, silenceMs: 400, lookMs: 20 };
  const listening = await openListener(scene, { plan: listener, address: listener.address, timeouts });
  const { port } = listening.address;
  assert.equal(await sendRaw(port, ''), '');
  assert.equal(await sendRaw(port, 'PRI * HT'), '');
  assert.match(await sendRaw(port, `GET ${path} HTTP/1.1\r\nhost:`), /^HTTP\/1\.1 408 .*"code":"request-timeout"/s);
  assert.match(
    await sendRaw(port, predictHead('content-length: 10\r\n'), 'abc'),
    /^HTTP\/1\.1 408 .*"request-timeout"/s,
  );
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  await once(session, 'close');
  assert.equal(scene.calls, 2);
  await listening.close();
  upstreams.close();
  spool.close();
  rmSync(folder, { recursive: true, force: true });
});

test('over TLS, ALPN chooses; a client without ALPN gets HTTP/1.1', async () => {
  await using own = new AsyncDisposableStack();
  const tls = openTls(own);
  await using secure = await startStage({ replicas: [replica.port], tls: tls.files });
  const client = connectHttp2(`https://localhost:${secure.port}`, { ca: tls.ca });
  assert.equal(await overHttp2(client, {}, 'hi'), '200 hi!');
  client.close();
  const options = { host: 'localhost', port: secure.port, method: 'POST', path, ca: tls.ca, agent: false };
  const sending = requestTls(options);
  sending.end('hi');
  const [answer] = await once(sending, 'response');
  assert.deepEqual([answer.statusCode, answer.httpVersion], [200, '1.1']);
  answer.resume();
  await once(answer, 'end');
});

test('a port that somebody has is an error, not half of the connections', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-port-'));
  const plan = stagePlan(folder, { replicas: [replica.port] });
  const [listener] = plan.listeners;
  assert.ok(listener !== undefined);
  const taken = { ...plan, listeners: [{ ...listener, address: { host: '127.0.0.1', port: stage.port } }] };
  const { embedded } = await import('./index.ts');
  await assert.rejects(embedded.run({ plan: taken, clock: systemClock, log: () => undefined }), { code: 'EADDRINUSE' });
  await eventually(() => true);
  rmSync(folder, { recursive: true, force: true });
});
