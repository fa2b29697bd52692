import assert from 'node:assert/strict';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineName } from '../../src/plan/types.ts';
import { unsizedBodyBytesMax, unsizedBodyTimeoutMs } from '../../src/std/limits.ts';
import { openedHere } from '../support/opened.ts';
import { type Answer, field, readAnswer } from './harness/client.ts';
import { engines, type Gateway } from './harness/gateway.ts';
import type { TestIssuer } from './harness/issuer.ts';
import { openStage } from './harness/stage.ts';
import type { RecordingUpstream, Seen } from './harness/upstream.ts';

/** Bodies without a declared length, and trailers, byte by byte: what the data form of cases can't say. */
const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
groups:
  everybody: [ { staff: any } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {} } }
rules:
  - { name: everybody, allow: [everybody], to: any, at: scoring/demo }
`;

const path = '/v1/models/demo:predict';
const spoofed = { 'x-headgate-subject': 'root', 'x-headgate-issuer': 'https://root.example' };
const trailers = `${Object.entries(spoofed).map(([name, value]) => `${name}: ${value}\r\n`)}\r\n`.replaceAll(',', '');
const last = `0\r\n${trailers}`;

const chunk = (size: number): string => `${size.toString(16)}\r\n${'a'.repeat(size)}\r\n`;
const tiny = (count: number): string => '1;name="value of an extension"\r\na\r\n'.repeat(count);

for (const name of Object.keys(engines) as EngineName[]) {
  describe(`bodies on ${name}`, () => {
    const opened = openedHere();
    let issuer: TestIssuer;
    let upstream: RecordingUpstream;
    let gateway: Gateway;

    before(async () => {
      ({ issuer, upstream, gateway } = await openStage(opened, { engine: name, policy }));
    });

    const authorization = (): string => issuer.credential({ subject: 'alice' }, 'valid')[1] ?? '';
    const head = (more = 'transfer-encoding: chunked\r\n', method = 'POST', target = path): string =>
      `${method} ${target} HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization()}\r\nconnection: close\r\n${more}\r\n`;
    const overHttp1 = (...parts: readonly string[]): Promise<Answer> => sendParts(gateway.port, parts);
    const overHttp2 = (body: readonly string[], more: OutgoingHttpHeaders = {}, ends = true): Promise<Answer> =>
      sendStream(gateway.port, { ':path': path, authorization: authorization(), ...more }, body, ends);

    /** What the service saw: the body whole, with its length, and nobody's word but ours. */
    function checkSeen(answer: Answer, bytes: number, text: string): Seen {
      assert.equal(answer.status, 200, `${text}: ${answer.body}`);
      const seen = upstream.seen.get(field(answer.headers, 'x-headgate-request-id') ?? '');
      assert.ok(seen !== undefined, text);
      assert.equal(seen.body.length, bytes, text);
      assert.equal(field(seen.headers, 'content-length'), String(bytes), text);
      assert.deepEqual(seen.trailers, [], text);
      assert.equal(field(seen.headers, 'x-headgate-subject'), 'alice', text);
      assert.ok(!seen.headers.includes('transfer-encoding') && !seen.headers.includes('root'), text);
      return seen;
    }

    async function checkRefused(answer: Answer, status: number, code: string, text: string): Promise<void> {
      assert.equal(answer.status, status, `${text}: ${answer.body}`);
      const id = field(answer.headers, 'x-headgate-request-id') ?? '';
      const problem = JSON.parse(answer.body);
      assert.deepEqual({ code: problem.code, requestId: problem.requestId }, { code, requestId: id }, text);
      assert.equal(upstream.seen.get(id), undefined, `${text}: the service was asked`);
      const [record] = await gateway.records([id]);
      const { reason, outcome, rule, caller } = record?.core ?? {};
      const recorded = { reason, outcome, rule, subject: caller?.subject };
      assert.deepEqual(recorded, { reason: code, outcome: 'deny', rule: 'everybody', subject: 'alice' }, text);
    }

    for (const round of ['asked', 'kept']) {
      test(`chunks end here, and trailers with them, ${round}`, async () => {
        const forms: Readonly<Record<string, readonly [bytes: number, ...parts: string[]]>> = {
          'in one packet': [5, head() + chunk(5) + last],
          'in many': [10, head(), chunk(5), chunk(5).slice(0, 4), `${chunk(5).slice(4)}0\r`, `\n${trailers}`],
          empty: [0, head() + last],
          'empty, later': [0, head(), last],
          'at the bound': [unsizedBodyBytesMax, head() + chunk(unsizedBodyBytesMax) + last],
          'at the bound, in many': [unsizedBodyBytesMax, head(), chunk(unsizedBodyBytesMax - 1), chunk(1), last],
          'many chunks with extensions': [4000, head(), tiny(4000), last],
          'from a client that waits': [
            3,
            head('transfer-encoding: chunked\r\nexpect: 100-continue\r\n'),
            chunk(3) + last,
          ],
        };
        for (const [text, [bytes, ...parts]] of Object.entries(forms)) {
          checkSeen(await overHttp1(...parts), bytes, text);
        }
      });

      test(`above the bound it is 411, whoever permitted it is recorded, ${round}`, async () => {
        const above = unsizedBodyBytesMax + 1;
        const forms: Readonly<Record<string, readonly string[]>> = {
          'in one packet': [head() + chunk(above) + last],
          'in many': [head(), chunk(unsizedBodyBytesMax), chunk(1), last],
          large: [head() + chunk(200_000)],
          endless: [head(), ...Array.from({ length: 20 }, () => chunk(2000))],
        };
        for (const [text, parts] of Object.entries(forms)) {
          await checkRefused(await overHttp1(...parts), 411, 'length-required', text);
        }
        await checkRefused(await overHttp2(['a'.repeat(above)], spoofed), 411, 'length-required', 'HTTP/2');
        await checkRefused(await overHttp2(['a'.repeat(200_000)]), 411, 'length-required', 'HTTP/2, large');
      });

      test(`HTTP/2 with a length or without: no trailer goes on, ${round}`, async () => {
        checkSeen(await overHttp2(['abc']), 3, 'without');
        checkSeen(await overHttp2(['abc', 'de']), 5, 'without, in many');
        checkSeen(await overHttp2([]), 0, 'without, empty');
        checkSeen(await overHttp2(['a'.repeat(unsizedBodyBytesMax)]), unsizedBodyBytesMax, 'at the bound');
        checkSeen(await overHttp2(['abc'], { 'content-length': '3' }), 3, 'with');
        const large = 300_000;
        checkSeen(await overHttp2(['a'.repeat(large)], { 'content-length': String(large) }), large, 'with, large');
      });
    }

    test('the largest head leaves room for the largest body', async () => {
      const fields = Array.from({ length: 90 }, (_, index) => `x-${index}: ${'v'.repeat(110)}\r\n`).join('');
      const target = `${path}?${'q'.repeat(4096 - path.length - 1)}`;
      const large = head(`${fields}transfer-encoding: chunked\r\n`, 'POST', target);
      assert.ok(large.length > 15_000);
      checkSeen(await overHttp1(large + chunk(unsizedBodyBytesMax) + last), unsizedBodyBytesMax, 'one packet');
      checkSeen(await overHttp1(large, chunk(unsizedBodyBytesMax), last), unsizedBodyBytesMax, 'many');
    });

    test('a call without a body gets no length', async () => {
      const target = '/v1/models/demo';
      const answers = [
        await overHttp1(head('', 'GET', target)),
        await overHttp2([], { ':method': 'GET', ':path': target, bodiless: '1' }),
      ];
      for (const { status, headers } of answers) {
        assert.equal(status, 200);
        const seen = upstream.seen.get(field(headers, 'x-headgate-request-id') ?? '');
        assert.ok(seen !== undefined && !seen.headers.includes('content-length'));
        assert.ok(!seen.headers.includes('transfer-encoding'));
      }
    });

    test('a body, or its trailers, that does not come is 408 within the bound', async () => {
      const drip = Array.from({ length: 30 }, () => chunk(1));
      const startedMs = performance.now();
      const slow = {
        'no end': overHttp1(head(), chunk(5)),
        'no end of the trailers': overHttp1(head(), `${chunk(5)}0\r\nx-a: b\r\n`),
        dripping: sendParts(gateway.port, [head(), ...drip], 500),
        'HTTP/2': overHttp2(['abc'], {}, false),
      };
      for (const [text, answer] of Object.entries(slow)) {
        await checkRefused(await answer, 408, 'request-timeout', text);
      }
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs > unsizedBodyTimeoutMs - 500 && tookMs < unsizedBodyTimeoutMs + 3000, `${tookMs} ms`);
    });

    test('a client that leaves within its body is recorded, and the service is not asked', async () => {
      const before = gateway.recordCount();
      upstream.seen.clear();
      const socket = connect(gateway.port, '127.0.0.1', () => socket.write(head() + chunk(5)));
      await sleep(200);
      socket.resetAndDestroy();
      const [record] = await gateway.recordsFrom(before + 1);
      assert.equal(record?.core.rule, 'everybody');
      assert.equal(upstream.seen.size, 0);
    });
  });
}

/** Sends parts of a request, a packet each, and reads the answer to its end. Bounded at 15 s. */
async function sendParts(port: number, parts: readonly string[], gapMs = 15): Promise<Answer> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  let received = '';
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
  });
  socket.on('error', () => undefined).setTimeout(15_000, () => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const part of parts) {
    if (socket.destroyed || socket.writableEnded || received.includes(' 4')) break;
    socket.write(Buffer.from(part, 'latin1'));
    await sleep(gapMs);
  }
  await closed;
  return readAnswer(received.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''));
}

/** Sends a body in parts on a stream of HTTP/2, with spoofed trailers at its end. A field `bodiless`: the head alone. */
async function sendStream(
  port: number,
  { bodiless, ...headers }: OutgoingHttpHeaders,
  body: readonly string[],
  ends: boolean,
): Promise<Answer> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const isBare = bodiless !== undefined;
  const stream = session.request({ ':method': 'POST', ...headers }, { endStream: isBare, waitForTrailers: !isBare });
  let answered: OutgoingHttpHeaders = {};
  let text = '';
  stream.on('wantTrailers', () => stream.sendTrailers(spoofed));
  stream.on('response', (fields) => {
    answered = fields;
  });
  stream.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const over = new Promise((resolve) => stream.once('end', resolve).once('close', resolve).on('error', resolve));
  session.on('error', () => undefined);
  for (const part of isBare ? [] : body) {
    stream.write(part);
    await sleep(15);
  }
  if (ends && !isBare) stream.end();
  await over;
  session.destroy();
  const fields = Object.entries(answered).flatMap(([name, value]) => [name, String(value)]);
  return { status: Number(answered[':status'] ?? 0), headers: fields, body: text };
}
