import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { ClientConnection, PeerWatch } from './index.ts';
import { frame, request, settings } from './testing/frames.ts';
import { eventsOf, RawClient, startServer, testOptions, until } from './testing/server.ts';

const soon = { quietMs: 20, everyMs: 20, answerMs: 400 };
const pingsIn = (client: RawClient): number =>
  client.frames.filter(({ type, flags }) => type === 6 && flags === 0).length;

const server = await startServer();
after(() => server.close());
const watch = new PeerWatch(soon);
const watching = setInterval(() => {
  for (const connection of server.connections) watch.add(connection);
}, 1);
after(() => clearInterval(watching));

test('a client that answers is asked again and again, one that does not is gone', async () => {
  const dead = new RawClient(server.port);
  dead.send(request(1, { isEnd: false }));
  const living = new RawClient(server.port);
  living.send(request(1, { isEnd: false }));
  living.socket.on('data', () => {
    const due = pingsIn(living) - answered;
    answered += due;
    for (let at = 0; at < due; at += 1) living.send(frame(6, 1, 0, Buffer.alloc(8)));
  });
  let answered = 0;
  await until(() => dead.isClosed || undefined);
  assert.equal(pingsIn(dead), 1);
  await until(() => (answered > 5 ? true : undefined));
  assert.equal(living.isClosed, false);
  living.socket.destroy();
});

test('a client without streams is left alone', async () => {
  const idle = new RawClient(server.port);
  const other = new RawClient(server.port);
  other.send(request(1, { isEnd: false }));
  await until(() => other.isClosed || undefined);
  assert.equal(pingsIn(idle), 0);
  assert.equal(idle.isClosed, false);
  idle.socket.destroy();
});

test('streams to a server that is gone end', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(settings);
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const socket = connect((silent.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const ended = new Promise<boolean>((resolve) => {
    const connection: ClientConnection = new ClientConnection(socket, testOptions, {
      onReady: () => {
        const events = eventsOf({ onClose: () => resolve(connection.isClosed) });
        connection.request({ fields: [':method', 'POST', ':scheme', 'http', ':path', '/'], events });
        watch.add(connection);
      },
      onGoaway: () => undefined,
      onClosed: () => watch.delete(connection),
    });
  });
  assert.equal(await ended, true);
  for (const each of sockets) each.destroy();
  silent.close();
});
