import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chosenVersionBytes } from '../../wire/index.ts';
import { bytesField, frame, messageCases } from '../../wire/testing/message-cases.ts';
import { luaFiles, luaNames } from './lua.ts';

/** What the service got of one call. */
interface Arrived {
  readonly body: Buffer;
  readonly isEnded: boolean;
  readonly hasTrailers: boolean;
}

/** What the caller got. */
interface Answered {
  readonly status: number | undefined;
  readonly grpcStatus: string | undefined;
  readonly why: string | undefined;
}

interface Sent {
  readonly body: Buffer;
  /** Where DATA frames end. */
  readonly cuts?: readonly number[];
  /** The end comes later, as an empty DATA frame. */
  readonly lateEnd?: boolean;
  readonly trailers?: boolean;
  readonly version?: string;
}

/** HAProxy with the two of them and no more, in front of a service that notes what it gets. */
class Bench {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hg-filter-'));
  readonly #arrived = new Map<string, { chunks: Buffer[]; isEnded: boolean; hasTrailers: boolean }>();
  #haproxy: ChildProcess | undefined;
  #service: Http2Server | undefined;
  #client: ClientHttp2Session | undefined;
  #port = 0;
  #calls = 0;
  said = '';

  async open(): Promise<void> {
    this.#service = createServer();
    this.#service.on('stream', (stream, headers) => this.#serve(stream, headers));
    this.#service.listen(0, '127.0.0.1');
    await once(this.#service, 'listening');
    this.#port = await freePort();
    for (const [name, text] of Object.entries(luaFiles())) writeFileSync(join(this.#folder, name), text);
    const file = join(this.#folder, 'haproxy.cfg');
    writeFileSync(file, configuration(this.#folder, this.#port, (this.#service.address() as AddressInfo).port));
    this.#haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#haproxy.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
    });
  }

  async close(): Promise<void> {
    this.#client?.destroy();
    this.#haproxy?.kill();
    this.#service?.close();
    rmSync(this.#folder, { recursive: true });
  }

  async call(sent: Sent): Promise<Answered & { readonly arrived: Arrived }> {
    this.#calls += 1;
    const id = String(this.#calls);
    const noted = { chunks: [] as Buffer[], isEnded: false, hasTrailers: false };
    this.#arrived.set(id, noted);
    const answered = await send(await this.#connected(), id, sent);
    // The service may still be reading what had gone out before the refusal.
    if (answered.grpcStatus !== '0') await sleep(2);
    const { chunks, isEnded, hasTrailers } = noted;
    return { ...answered, arrived: { body: Buffer.concat(chunks), isEnded, hasTrailers } };
  }

  async #connected(): Promise<ClientHttp2Session> {
    for (let tries = 0; tries < 200; tries += 1) {
      if (this.#client !== undefined && !this.#client.closed && !this.#client.destroyed) return this.#client;
      const client = connect(`http://127.0.0.1:${this.#port}`);
      // Trailers on a call that was refused in the meantime cost the connection.
      client.on('error', () => undefined);
      const isThere = await Promise.race([
        once(client, 'connect').then(() => true),
        sleep(100).then(() => false),
      ]).catch(() => false);
      if (isThere) this.#client = client;
      else await sleep(20);
    }
    throw new Error(`HAProxy does not listen: ${this.said}`);
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const noted = this.#arrived.get(String(headers['x-call']));
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => noted?.chunks.push(chunk));
    stream.on('trailers', () => {
      if (noted) noted.hasTrailers = true;
    });
    stream.on('end', () => {
      if (noted) noted.isEnded = true;
      if (stream.destroyed || stream.aborted) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end();
    });
  }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Every call goes through the filter, whatever its size. */
function configuration(folder: string, port: number, upstream: number): string {
  return `global
  tune.bufsize 32768
  tune.maxrewrite 4096
  setenv HEADGATE_BODY_BYTES_MAX 1000000
${luaNames.map((name) => `  lua-load ${join(folder, name)}\n`).join('')}
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend in
  bind 127.0.0.1:${port} proto h2
  http-request wait-for-body time 5s
  http-request set-var(txn.msg) str("s m -")
  http-request set-var(txn.append) req.hdr(x-version) if { req.hdr(x-version) -m found }
  default_backend out
backend out
  http-error status 400 hdr grpc-status 3 hdr grpc-message "%[var(txn.why)]"
  http-after-response set-status 200 if { var(txn.why) -m found }
  filter lua.message
  server s 127.0.0.1:${upstream} proto h2
`;
}

async function send(client: ClientHttp2Session, id: string, sent: Sent): Promise<Answered> {
  const { body, cuts = [], lateEnd = false, trailers = false, version } = sent;
  const fields = {
    ':method': 'POST',
    ':path': '/',
    'x-call': id,
    ...(version !== undefined && { 'x-version': version }),
  };
  const stream = client.request(fields, { endStream: false, waitForTrailers: trailers });
  const answered = {
    status: undefined as number | undefined,
    grpcStatus: undefined as string | undefined,
    why: undefined as string | undefined,
  };
  const take = (headers: IncomingHttpHeaders): void => {
    answered.grpcStatus = headers['grpc-status'] === undefined ? answered.grpcStatus : String(headers['grpc-status']);
    if (headers['grpc-message'] !== undefined) answered.why = String(headers['grpc-message']);
  };
  stream.on('response', (headers) => {
    answered.status = Number(headers[':status']);
    take(headers);
  });
  stream.on('trailers', take);
  stream.on('error', () => undefined);
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-headgate-subject': 'root' }));
  stream.resume();
  const closed = new Promise<void>((resolve) => stream.on('close', resolve));
  let from = 0;
  for (const cut of cuts) {
    if (stream.destroyed || stream.closed) break;
    stream.write(body.subarray(from, cut));
    from = cut;
    await sleep(1);
  }
  if (!stream.destroyed && lateEnd) {
    stream.write(body.subarray(from));
    await sleep(5);
    stream.end();
  } else if (!stream.destroyed) stream.end(body.subarray(from));
  await closed;
  return answered;
}

/** The service never had as much as the frame says, so that it runs nothing. */
function isBroken({ body }: Arrived, sent: Buffer): boolean {
  return sent.length < 5 || body.length < 5 + sent.readUInt32BE(1);
}

const cutsOf = ({ length }: Buffer): (readonly number[])[] => [
  [],
  [3],
  [6],
  [1, 2, 3, 4, 5, 6].filter((at) => at < length),
  [length - 2],
  [5000, 17_000, 28_500].filter((at) => at < length),
];

const large = (...behind: readonly Buffer[]): Buffer =>
  frame(bytesField(1, bytesField(1, 'm')), bytesField(2, Buffer.alloc(90_000, 7)), ...behind);
const small = frame(bytesField(1, bytesField(1, 'm')), bytesField(2, 'x'));
const many = frame(
  bytesField(1, bytesField(1, 'm')),
  ...Array.from({ length: 4000 }, () => bytesField(3, 'x'.repeat(9))),
);

describe('the Lua filter in a real HAProxy', { timeout: 60_000 }, () => {
  const bench = new Bench();
  before(() => bench.open());
  after(() => bench.close());

  for (const [name, body] of Object.entries({ small, large: large(), 'of many fields': many })) {
    test(`a ${name} message goes through unchanged, however it is cut, and with its version`, async () => {
      const { length } = body;
      for (const cuts of cutsOf(body)) {
        for (const lateEnd of [false, true]) {
          const plain = await bench.call({ body, cuts, lateEnd });
          assert.deepEqual([plain.status, plain.grpcStatus], [200, '0'], `${cuts}`);
          assert.ok(plain.arrived.body.equals(body), `${cuts}`);
          const chosen = await bench.call({ body, cuts, lateEnd, version: '1234567' });
          const fields = [body.subarray(5), chosenVersionBytes(bytesField(1, 'm'), '1234567')];
          assert.ok(chosen.arrived.body.equals(frame(...fields)), `${cuts}, ${length} bytes and a version`);
        }
      }
    });
  }

  test('where the end fills the buffer, the version still fits', async () => {
    for (let length = 28_000; length < 28_900; length += 37) {
      const body = frame(bytesField(1, bytesField(1, 'm')), bytesField(2, Buffer.alloc(length, 7)));
      const { arrived } = await bench.call({ body, version: '7' });
      assert.ok(arrived.body.equals(frame(body.subarray(5), chosenVersionBytes(bytesField(1, 'm'), '7'))), `${length}`);
    }
  });

  test('what is refused never arrives whole, and is answered', async () => {
    const refused = messageCases.filter(
      ({ walk, expect }) =>
        walk === 'spec' &&
        'refused' in expect &&
        expect.refused !== 'message-compressed' &&
        expect.refused !== 'body-too-large',
    );
    const second = Buffer.concat([large(), small]);
    const bodies = [
      ...refused.map(({ name, body }) => [name, body] as const),
      ['large: spec twice', large(bytesField(1, bytesField(1, 'evil')))] as const,
      ['large: half a tag', large(Buffer.of(0x80))] as const,
      ['large: swallowing', large(Buffer.of(0x7a, 0x20))] as const,
      ['large: known field of another type', large(Buffer.of(0x18, 1))] as const,
      ['small: cut short', small.subarray(0, -1)] as const,
      ['large: cut short', large().subarray(0, -1)] as const,
      ['large: cut short by two', large().subarray(0, -2)] as const,
      ['large: a second message', second] as const,
    ];
    for (const [name, body] of bodies) {
      // What is too far in, or names nothing, is the fetch's to refuse; the filter has to hold the frame together.
      if (
        /no body|name|label|version|spec over|spec behind|no spec|of 1025|fixed size in|empty (spec|message)/.test(name)
      )
        continue;
      for (const cuts of [[], [6], [body.length - 1]].map((each) => each.filter((at) => at > 0 && at < body.length))) {
        const lateEnd = cuts.length > 0;
        const { status, grpcStatus, why, arrived } = await bench.call({ body, cuts, lateEnd });
        assert.deepEqual([status, grpcStatus], [200, '3'], name);
        assert.match(String(why), /^message-(malformed|ambiguous)$/, name);
        assert.ok(isBroken(arrived, body), name);
      }
    }
    assert.doesNotMatch(bench.said, /ALERT/, 'a refusal leaves no line');
  });

  test('trailers are refused, whenever they come', async () => {
    // The last are cut short by as much as HAProxy counts for the trailers.
    for (const body of [small, large(), large().subarray(0, -23), large().subarray(0, -24)]) {
      for (const cuts of [[], [6], [body.length - 1]]) {
        const { grpcStatus, arrived } = await bench.call({ body, cuts, trailers: true });
        assert.equal(grpcStatus, '3');
        assert.ok(isBroken(arrived, body) && !arrived.hasTrailers);
      }
    }
  });
});
