import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { PlainClient } from './upstream-client.ts';

/** What a server does with a connection of which it is given each request as one text. */
type Serve = (socket: Socket, request: string, connection: number) => void;

interface Told {
  readonly status: number;
  readonly body: string;
}

/** Asks, one after the other, as long as `ask` is called. */
async function withServer(serve: Serve, then: (ask: (body?: string) => Promise<Told>) => Promise<void>): Promise<void> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => serve(socket, bytes.toString('latin1'), connection));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new PlainClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, 5000);
  try {
    await then((body = '') => ask(client, body));
  } finally {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function ask(client: PlainClient, body: string, answerMs = 60_000): Promise<Told> {
  const request = { method: 'POST', path: '/a?b', headers: ['host', 'h', 'x', '1', 'Content-Length', '9'] };
  return new Promise((resolve, reject) => {
    let told = { status: 0, body: '' };
    client.dispatch(
      { ...request, body: body === '' ? null : Buffer.from(body, 'latin1'), headersTimeout: answerMs },
      {
        onConnect: () => undefined,
        onHeaders: (status) => {
          told = { ...told, status };
          return true;
        },
        onData: (chunk) => {
          told = { ...told, body: told.body + chunk.toString('latin1') };
          return true;
        },
        onComplete: () => resolve(told),
        onError: reject,
      },
    );
  });
}

const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

test('head and body leave as they are, and a connection is used again', async () => {
  const seen: string[] = [];
  const serve: Serve = (socket, request, connection) => {
    seen.push(request);
    socket.write(answer(`${connection}`));
  };
  await withServer(serve, async (tell) => {
    assert.deepEqual(await tell('a\x00\xff'), { status: 200, body: '1' });
    assert.deepEqual(await tell(), { status: 200, body: '1' });
  });
  const head = 'POST /a?b HTTP/1.1\r\nhost: h\r\nconnection: keep-alive\r\nx: 1\r\n';
  assert.deepEqual(seen, [`${head}content-length: 3\r\n\r\na\x00\xff`, `${head}content-length: 0\r\n\r\n`]);
});

test('what was not asked for is never the answer to the next call', async () => {
  const stray = answer('stray');
  const serves: readonly Serve[] = [
    (socket, _request, connection) => socket.write(connection === 1 ? answer('1') + stray : answer('2')),
    (socket, _request, connection) => {
      socket.write(answer(`${connection}`));
      if (connection === 1) setImmediate(() => socket.write(stray));
    },
    (socket, _request, connection) => {
      socket.write(answer(`${connection}`));
      if (connection === 1) setImmediate(() => socket.end());
    },
    (socket, _request, connection) => {
      socket.write(connection === 1 ? answer('1').replace('\r\n', '\r\nConnection: close\r\n') : answer('2'));
    },
  ];
  for (const serve of serves) {
    await withServer(serve, async (tell) => {
      assert.equal((await tell()).body, '1');
      // Until the server has done what it does after its answer.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal((await tell()).body, '2');
    });
  }
});

test('an answer that breaks off, is none or never comes is an error', async () => {
  const cases: readonly (readonly [Serve, object])[] = [
    [(socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'), { code: 'UND_ERR_SOCKET' }],
    [(socket) => socket.end(), { code: 'UND_ERR_SOCKET' }],
    [(socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), { code: 'UND_ERR_SOCKET' }],
    [(socket) => socket.write('nonsense\r\n\r\n'), { name: 'HTTPParserError' }],
  ];
  for (const [serve, error] of cases) await withServer(serve, (tell) => assert.rejects(tell(), error));
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const silent = new PlainClient({ host: '127.0.0.1', port }, 5000);
  await assert.rejects(ask(silent, '', 100), { code: 'UND_ERR_HEADERS_TIMEOUT' });
  server.close();
  await once(server, 'close');
  await assert.rejects(ask(silent, ''), { code: 'ECONNREFUSED' });
});

test('one without a length ends with its connection', async () => {
  await withServer(
    (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nabc'),
    async (tell) => {
      assert.equal((await tell()).body, 'abc');
      assert.equal((await tell()).body, 'abc');
    },
  );
});
