import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { after, test } from 'node:test';
import { ClientConnection, errorCodes, type Head, type Stream } from './index.ts';
import { echo, eventsOf, startServer, type TestServer, testOptions, until } from './testing/server.ts';

const server = await startServer();
const session = connect(`http://127.0.0.1:${server.port}`);
after(() => {
  session.destroy();
  server.close();
});

interface Reply {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: Buffer;
}

/** One call with Node's own client. */
async function ask(from: ClientHttp2Session, body: Buffer, fields: Record<string, string> = {}): Promise<Reply> {
  const stream = from.request({ ':method': 'POST', ':path': '/', ...fields }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
  const seen: { headers: IncomingHttpHeaders; trailers?: IncomingHttpHeaders } = { headers: {} };
  stream.on('response', (found) => {
    seen.headers = found;
  });
  stream.on('trailers', (found) => {
    seen.trailers = found;
  });
  stream.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { headers: seen.headers, trailers: seen.trailers, body: Buffer.concat(chunks) };
}

const sizes = [0, 1, 1000, 16_384, 16_385, 65_535, 65_536, 300_000, 5_000_000];

test("Node's client gets back what it sent, of every size, many at once", async () => {
  const bodies = [...sizes, ...sizes].map((size) => randomBytes(size));
  const replies = await Promise.all(bodies.map((body, at) => ask(session, body, { 'x-number': String(at) })));
  for (const [at, { headers, trailers, body }] of replies.entries()) {
    assert.ok(body.equals(bodies[at] as Buffer), `${body.length} of ${bodies[at]?.length}`);
    assert.deepEqual([headers[':status'], headers['x-number'], trailers?.['x-end']], [200, String(at), 'yes']);
  }
});

/** A connection of the room's own. */
async function dial(port: number): Promise<ClientConnection> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  return new Promise((resolve, reject) => {
    const connection: ClientConnection = new ClientConnection(socket, testOptions, {
      onReady: () => resolve(connection),
      onGoaway: () => undefined,
      onClosed: () => reject(new Error('closed')),
    });
  });
}

interface OwnReply {
  readonly head: Head | undefined;
  readonly trailers: Head | undefined;
  readonly body: Buffer;
  readonly code: number;
}

const postFields = [':method', 'POST', ':scheme', 'http', ':path', '/', ':authority', 'a'];

/** One call with the room's client; the body goes out as fast as there is room. */
function call(connection: ClientConnection, body: Buffer, fields: readonly string[] = []): Promise<OwnReply> {
  return new Promise((resolve) => {
    const seen: { head?: Head; trailers?: Head | undefined } = {};
    const chunks: Buffer[] = [];
    let at = 0;
    const events = eventsOf({
      onHead: (head) => {
        seen.head = head;
      },
      onData: (chunk) => chunks.push(Buffer.from(chunk)),
      onEnd: (trailers) => {
        seen.trailers = trailers;
      },
      onRoom: () => send(),
      onClose: (code) => resolve({ head: seen.head, trailers: seen.trailers, body: Buffer.concat(chunks), code }),
    });
    const stream = connection.request({ fields: [...postFields, ...fields], events }) as Stream;
    const send = (): void => {
      while (at < body.length) {
        const chunk = Buffer.from(body.subarray(at, at + 50_000));
        at += chunk.length;
        const hasRoom = stream.write(chunk);
        // What was written is ours again.
        chunk.fill(0);
        if (!hasRoom) return;
      }
      stream.end(undefined, ['x-end', 'yes']);
    };
    send();
  });
}

for (const [title, start] of [
  ["Node's server", startNodeServer],
  ["the room's own server", () => startServer()],
] as const) {
  test(`the room's client gets back what it sent from ${title}`, async () => {
    const other = await start();
    const connection = await dial(other.port);
    const bodies = [...sizes, ...sizes].map((size) => randomBytes(size));
    const replies = await Promise.all(bodies.map((body, at) => call(connection, body, ['x-number', String(at)])));
    for (const [at, { head, trailers, body, code }] of replies.entries()) {
      assert.ok(body.equals(bodies[at] as Buffer), `${body.length} of ${bodies[at]?.length}`);
      assert.equal(head?.status, 200);
      assert.ok(head?.fields.includes(String(at)));
      assert.deepEqual(trailers?.fields, ['x-end', 'yes']);
      assert.equal(code, errorCodes.none);
    }
    assert.equal(connection.streams.size, 0);
    connection.close();
    other.close();
  });
}

async function startNodeServer(): Promise<Pick<TestServer, 'port' | 'close'>> {
  const node = createServer();
  node.on('stream', (stream, headers) => {
    stream.respond({ 'x-number': headers['x-number'] }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
    stream.pipe(stream);
  });
  node.listen(0, '127.0.0.1');
  await once(node, 'listening');
  return { port: (node.address() as AddressInfo).port, close: () => void node.close() };
}

test('a reader that does not read holds the writer up, at both ends', async () => {
  let written = 0;
  let stream: Stream | undefined;
  const chunk = Buffer.alloc(65_536);
  const send = (): void => {
    while (written < 400 * chunk.length) {
      written += chunk.length;
      if (stream?.write(chunk) === false) return;
    }
    stream?.end();
  };
  const slow = await startServer((opened) => {
    stream = opened;
    opened.head([':status', '200']);
    opened.events = eventsOf({ onRoom: send });
    opened.resume();
    send();
  });
  const connection = await dial(slow.port);
  let read = 0;
  let code: number | undefined;
  const events = eventsOf({
    onData: (part) => {
      read += part.length;
    },
    onClose: (found) => {
      code = found;
    },
  });
  const request = connection.request({ fields: postFields, isEnd: true, events }) as Stream;
  request.pause();
  await until(() => (written > 262_144 ? true : undefined));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const [before, held] = [written, stream?.heldBytes ?? 0];
  // The window of the stream, and what a stream may hold; the sockets are not filled.
  assert.ok(before < 600_000, `${before} bytes were written to nobody`);
  assert.ok(held < 200_000, `${held} bytes are held`);
  assert.equal(read, 0);
  request.resume();
  await until(() => code);
  assert.equal(read, 400 * chunk.length);
  connection.close();
  slow.close();
});

test('both sides hear of a reset, with its code', async () => {
  const codes: number[] = [];
  const resetting = await startServer((stream, head) => {
    stream.events = eventsOf({ onClose: (code) => codes.push(code) });
    if (head.path === '/reset') stream.reset(errorCodes.enhanceYourCalm);
    else stream.resume();
  });
  const client = connect(`http://127.0.0.1:${resetting.port}`);
  const refused = client.request({ ':method': 'POST', ':path': '/reset' });
  refused.on('error', () => undefined);
  await new Promise((resolve) => refused.on('close', resolve));
  assert.equal(refused.rstCode, errorCodes.enhanceYourCalm);
  const leaving = new AbortController();
  const left = client.request({ ':method': 'POST', ':path': '/left' }, { signal: leaving.signal });
  left.on('error', () => undefined).write('a');
  await until(() => [...resetting.connections][0]?.streams.size || undefined);
  leaving.abort();
  await until(() => codes[1]);
  assert.deepEqual(codes, [errorCodes.enhanceYourCalm, errorCodes.cancel]);
  client.destroy();
  resetting.close();
});

test('a server that goes serves what was begun, and takes nothing new', async () => {
  let release: () => void = () => undefined;
  const going = await startServer((stream, head) => {
    if (head.path !== '/slow') return echo(stream, head);
    release = () => echo(stream, head);
  });
  const client = connect(`http://127.0.0.1:${going.port}`);
  const slow = client.request({ ':method': 'POST', ':path': '/slow' });
  slow.end('slow');
  const connection = await until(() => [...going.connections].find(({ streams }) => streams.size === 1));
  const told = once(client, 'goaway');
  connection.close();
  assert.equal((await told)[0], errorCodes.none);
  release();
  const chunks: Buffer[] = [];
  for await (const chunk of slow) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'slow');
  await until(() => going.ended() || undefined);
  going.close();
});

test('what was not begun upon when the server went is refused, so that it can be sent again', async () => {
  let opened = 0;
  const going = await startServer(() => {
    opened += 1;
  });
  const connection = await dial(going.port);
  const codes: number[] = [];
  const events = eventsOf({ onClose: (code) => codes.push(code) });
  connection.request({ fields: postFields, events });
  await until(() => opened || undefined);
  // As if it had been sent after the server's last word.
  connection.request({ fields: postFields, events });
  connection.goneAway(1, errorCodes.none);
  assert.deepEqual(codes, [errorCodes.refusedStream]);
  assert.equal(connection.hasRoom, false);
  assert.equal(connection.request({ fields: postFields, events }), undefined);
  connection.destroy();
  going.close();
});
