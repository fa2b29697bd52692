import assert from 'node:assert/strict';
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader, type OutgoingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import { before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { EngineName } from '../../src/plan/types.ts';
import { openTls } from '../support/certificate.ts';
import { openedHere } from '../support/opened.ts';
import { send } from './harness/client.ts';
import { engines, type Gateway } from './harness/gateway.ts';
import type { TestIssuer } from './harness/issuer.ts';
import { openStage } from './harness/stage.ts';
import type { RecordingUpstream } from './harness/upstream.ts';

/** The same policy over h2c, and over TLS with HTTP/1.1 and HTTP/2 by ALPN, beside cleartext HTTP/1.1: same answers, same trail. */
const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
groups:
  everybody: [ { staff: any } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {} } }
rules:
  - { name: everybody predicts, allow: [everybody], to: predict, at: scoring/demo }
`;

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const tls = openTls(openedHere());
const { ca } = tls;

/** One request over HTTP/2. */
function overHttp2(origin: string, headers: OutgoingHttpHeaders, body: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const session = connect(origin, { ca });
    session.on('error', reject);
    const stream = session.request({ ':method': 'POST', ...headers });
    const chunks: Buffer[] = [];
    let answered: IncomingHttpHeaders & IncomingHttpStatusHeader = {};
    stream.on('response', (fields) => {
      answered = fields;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      session.close();
      resolve({ status: answered[':status'] ?? 0, headers: answered, body: Buffer.concat(chunks).toString() });
    });
    stream.end(body);
  });
}

/** One request over TLS with HTTP/1.1. */
function overHttps(port: number, path: string, headers: OutgoingHttpHeaders, body: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sending = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers, ca, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    sending.on('error', reject).end(body);
  });
}

for (const name of Object.keys(engines) as EngineName[]) {
  describe(`protocols on ${name}`, () => {
    const opened = openedHere();
    let issuer: TestIssuer;
    let upstream: RecordingUpstream;
    let gateway: Gateway;

    before(async () => {
      const bindings = { tls: tls.files };
      ({ issuer, upstream, gateway } = await openStage(opened, { engine: name, policy, bindings }));
    });

    const authorization = (): string => issuer.credential({ subject: 'alice' }, 'valid')[1] ?? '';
    const path = '/v1/models/demo:predict';
    const body = '{"instances":[[1,2,3]]}';

    async function checkAllowed(reply: Reply, listener: string): Promise<void> {
      assert.equal(reply.status, 200, reply.body);
      const id = String(reply.headers['x-headgate-request-id']);
      const seen = upstream.seen.get(id);
      assert.ok(seen !== undefined, 'the upstream was not asked');
      assert.equal(seen.body, body);
      assert.equal(seen.headers[seen.headers.indexOf('x-headgate-subject') + 1], 'alice');
      assert.ok(!seen.headers.includes('authorization'));
      const [record] = await gateway.records([id]);
      assert.equal(record?.core.listener, listener);
      assert.equal(record?.core.rule, 'everybody predicts');
    }

    async function checkRefused(reply: Reply, code: string, status: number): Promise<void> {
      assert.equal(reply.status, status);
      assert.equal(reply.headers['content-type'], 'application/problem+json');
      assert.equal(JSON.parse(reply.body).code, code);
      const [record] = await gateway.records([String(reply.headers['x-headgate-request-id'])]);
      assert.equal(record?.core.reason, code);
    }

    for (const round of ['asked', 'kept']) {
      test(`h2c on the port of HTTP/1.1, ${round}`, async () => {
        const origin = `http://127.0.0.1:${gateway.port}`;
        await checkAllowed(await overHttp2(origin, { ':path': path, authorization: authorization() }, body), 'public');
        await checkRefused(await overHttp2(origin, { ':path': path }, body), 'credential-missing', 401);
        await checkRefused(
          await overHttp2(origin, { ':path': '/v1//models/demo:predict' }, body),
          'path-not-canonical',
          400,
        );
        const plain = await send({
          port: gateway.port,
          method: 'POST',
          target: path,
          headers: ['authorization', authorization()],
          body,
        });
        assert.equal(plain.status, 200);
      });

      test(`HTTP/2 by ALPN over TLS, ${round}`, async () => {
        const origin = `https://127.0.0.1:${gateway.securePort}`;
        await checkAllowed(await overHttp2(origin, { ':path': path, authorization: authorization() }, body), 'secure');
        await checkRefused(await overHttp2(origin, { ':path': path }, body), 'credential-missing', 401);
      });

      test(`HTTP/1.1 over TLS, ${round}`, async () => {
        await checkAllowed(
          await overHttps(gateway.securePort, path, { authorization: authorization() }, body),
          'secure',
        );
        await checkRefused(await overHttps(gateway.securePort, path, {}, body), 'credential-missing', 401);
      });
    }

    test('a body of a megabyte goes through whole, both ways', async () => {
      const large = `{"instances":["${'x'.repeat(1_000_000)}"]}`;
      const reply = await overHttp2(
        `http://127.0.0.1:${gateway.port}`,
        { ':path': path, authorization: authorization(), 'content-length': String(large.length) },
        large,
      );
      assert.equal(reply.status, 200);
      assert.equal(upstream.seen.get(String(reply.headers['x-headgate-request-id']))?.body.length, large.length);
    });

    test('many streams on one connection keep their own answers', async () => {
      const session = connect(`http://127.0.0.1:${gateway.port}`);
      const tokens = ['alice', 'bob', 'carol'].map((subject) => issuer.credential({ subject }, 'valid')[1] ?? '');
      const subjects = await Promise.all(
        Array.from({ length: 60 }, (_, index) => subjectSeen(session, tokens[index % 3] ?? '')),
      );
      session.close();
      assert.deepEqual(
        subjects,
        Array.from({ length: 60 }, (_, index) => ['alice', 'bob', 'carol'][index % 3]),
      );
    });

    /** The subject that the upstream was told for one stream. */
    function subjectSeen(session: ReturnType<typeof connect>, token: string): Promise<string | undefined> {
      return new Promise((resolve, reject) => {
        const stream = session.request({ ':method': 'POST', ':path': path, authorization: token });
        let id = '';
        stream.on('response', (fields) => {
          id = String(fields['x-headgate-request-id']);
        });
        stream.on('error', reject).resume();
        stream.on('end', () => {
          const headers = upstream.seen.get(id)?.headers ?? [];
          resolve(headers[headers.indexOf('x-headgate-subject') + 1]);
        });
        stream.end(body);
      });
    }

    test('TLS below 1.2 is refused', async () => {
      const socket: TLSSocket = connectTls({
        host: '127.0.0.1',
        port: gateway.securePort,
        ca,
        maxVersion: 'TLSv1.1',
        // Without it the client itself would refuse.
        ciphers: 'DEFAULT@SECLEVEL=0',
        minVersion: 'TLSv1',
      });
      const outcome = await new Promise((resolve) => {
        socket.once('secureConnect', () => resolve('connected')).once('error', () => resolve('refused'));
      });
      socket.destroy();
      assert.equal(outcome, 'refused');
    });
  });
}
