import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { openedHere } from '../support/opened.ts';
import { sendRaw } from './harness/client.ts';
import { engines, type Gateway } from './harness/gateway.ts';
import { dataFrame, type Fields, requestFrame, sendFrames } from './harness/http2-frames.ts';
import type { TestIssuer } from './harness/issuer.ts';
import { openStage } from './harness/stage.ts';
import type { RecordingUpstream, Seen } from './harness/upstream.ts';

/** What the data form of cases can't say: frames that no honest client sends, and several calls on one connection. */
const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
groups:
  everybody: [ { staff: any } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {}, open: {}, abroad: {} } }
rules:
  - { name: everybody, allow: [everybody], to: any, at: scoring/demo }
  - { name: open, allow: anyone, to: status, at: scoring/open }
  - { name: not from there, allow: anyone, to: status, at: scoring/abroad, when: 'request.headers["x-region"] != "cn"' }
`;

const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

for (const name of present) {
  describe(`attacks on ${name}`, () => {
    const opened = openedHere();
    let issuer: TestIssuer;
    let upstream: RecordingUpstream;
    let gateway: Gateway;

    before(async () => {
      ({ issuer, upstream, gateway } = await openStage(opened, { engine: name, policy }));
    });

    const credential = (subject: string, groups: readonly string[] = []): string =>
      issuer.credential({ subject, groups }, 'valid')[1] ?? '';

    const get = (path: string, more: Fields = [], pseudo: Record<string, string> = {}): Fields => [
      ...Object.entries({ ':method': 'GET', ':scheme': 'http', ':authority': 'a', ':path': path, ...pseudo }),
      ...more,
    ];

    /** What the service saw of one request by frames. */
    const seenOf = async (...frames: readonly Buffer[]): Promise<Seen[]> => {
      upstream.seen.clear();
      await sendFrames(gateway.port, frames);
      return [...upstream.seen.values()];
    };

    test('white space around a value over HTTP/2 does not get round a condition', async () => {
      const path = '/v1/models/abroad';
      for (const region of ['de', 'de', 'us']) {
        assert.equal((await seenOf(requestFrame(1, get(path, [['x-region', region]])))).length, 1);
      }
      for (const region of ['cn', ' cn', 'cn ', '\tcn', ' de ', ' ']) {
        assert.deepEqual(await seenOf(requestFrame(1, get(path, [['x-region', region]]))), [], JSON.stringify(region));
      }
    });

    test('a credential in white space is not the kept one', async () => {
      const alice = credential('alice');
      const call = (value: string) => requestFrame(1, get('/v1/models/demo', [['authorization', value]]));
      assert.equal((await seenOf(call(alice))).length, 1);
      for (const value of [` ${alice}`, `${alice} `]) assert.deepEqual(await seenOf(call(value)), []);
    });

    test('no odd byte of a query or a value reaches the service', async () => {
      const open = '/v1/models/open';
      assert.equal((await seenOf(requestFrame(1, get(open)))).length, 1);
      for (const query of ['?\xe9', '?a b', '?a\nb', '?a#b', '?\x01']) {
        assert.deepEqual(await seenOf(requestFrame(1, get(open + query))), [], JSON.stringify(query));
      }
      for (const value of ['a\x01', 'a\x7fb', 'a\r\nx-headgate-subject: root', 'a\0b']) {
        const seen = await seenOf(requestFrame(1, get(open, [['x-odd', value]])));
        for (const { headers } of seen)
          assert.ok(!headers.includes('x-odd') && !headers.includes('x-headgate-subject'));
      }
    });

    test('another scheme does not change the target that the service gets', async () => {
      for (const scheme of ['http', 'https', 'ftp']) {
        const [seen] = await seenOf(requestFrame(1, get('/v1/models/open?x=1', [], { ':scheme': scheme })));
        assert.equal(seen?.target, '/v1/models/open?x=1', scheme);
      }
    });

    test('no extended CONNECT opens a way past the gate', async () => {
      const fields = get('/v1/models/open', [], { ':method': 'CONNECT', ':protocol': 'websocket' });
      const pseudo = fields.filter(([field]) => field.startsWith(':'));
      const seen = await seenOf(requestFrame(1, pseudo, false), dataFrame(1, 'GET /v1/models/demo HTTP/1.1\r\n\r\n'));
      for (const { target, headers } of seen) {
        assert.equal(target, '/v1/models/open');
        assert.ok(!headers.includes('upgrade'));
      }
    });

    test('callers on one connection stay apart, over HTTP/1.1 and HTTP/2', async () => {
      const who = [credential('alice'), '', credential('bob'), '', credential('alice'), credential('bob')];
      const wanted = ['alice', undefined, 'bob', undefined, 'alice', 'bob'];
      const subjects = (): (string | undefined)[] => {
        const seen = [...upstream.seen.values()].map(({ target, headers }) => ({
          turn: Number(target.split('=')[1]),
          subject: headers[headers.indexOf('x-headgate-subject') + 1],
          isKnown: headers.includes('x-headgate-subject'),
        }));
        return seen.sort((a, b) => a.turn - b.turn).map(({ subject, isKnown }) => (isKnown ? subject : undefined));
      };
      for (let round = 0; round < 3; round += 1) {
        const streams = who.map((value, turn) =>
          requestFrame(2 * turn + 1, get(`/v1/models/open?n=${turn}`, value === '' ? [] : [['authorization', value]])),
        );
        upstream.seen.clear();
        await sendFrames(gateway.port, [Buffer.concat(streams)], who.length);
        assert.deepEqual(subjects(), wanted);
        upstream.seen.clear();
        const lines = who.map((value, turn) => {
          const end = turn === who.length - 1 ? 'connection: close\r\n' : '';
          const field = value === '' ? '' : `authorization: ${value}\r\n`;
          return `GET /v1/models/open?n=${turn} HTTP/1.1\r\nhost: a\r\n${field}${end}\r\n`;
        });
        await sendRaw(gateway.port, lines.join(''));
        assert.deepEqual(subjects(), wanted);
      }
    });

    test('long credentials that differ in one character are not one another', async () => {
      const good = credential('alice', ['g'.repeat(4700)]);
      const changed = (at: number): string => good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1);
      const status = async (value: string): Promise<number> => {
        const head = `GET /v1/models/demo HTTP/1.1\r\nhost: a\r\nauthorization: ${value}\r\nconnection: close\r\n\r\n`;
        return (await sendRaw(gateway.port, head)).status;
      };
      for (let turn = 0; turn < 2; turn += 1) {
        assert.equal(await status(good), 200);
        for (const at of [60, 4200, good.length - 500, good.length - 3]) assert.equal(await status(changed(at)), 401);
      }
    });

    test('a broken body under a refused call has one answer', async () => {
      const head = 'POST /v1/models/demo:predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
      for (let turn = 0; turn < 2; turn += 1) {
        const { status, body } = await sendRaw(gateway.port, `${head}zz\r\n`);
        assert.ok(status === 401 || status === 400, String(status));
        assert.ok(!body.includes('HTTP/1.1'), 'a second answer');
      }
    });
  });
}
