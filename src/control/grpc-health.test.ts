import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { grpcStatus, startOrders } from '../../test/support/orders-server.ts';
import { GrpcHealthLine } from './grpc-health.ts';
import { eventually, listen } from './testing/workshop.ts';

interface Opened {
  readonly line: GrpcHealthLine;
  broken: number;
}

function open(using: AsyncDisposableStack, port: number, service = '', timeoutMs = 5000): Opened {
  const opened: Opened = {
    broken: 0,
    line: new GrpcHealthLine({
      address: `127.0.0.1:${port}`,
      everyMs: 100,
      timeoutMs,
      service,
      onBroken: () => {
        opened.broken += 1;
      },
    }),
  };
  using.defer(() => opened.line.close());
  return opened;
}

const good = { kind: 'states', states: new Map() } as const;

test('a server says how it is, over one connection, and what it is asked about', async () => {
  await using opening = new AsyncDisposableStack();
  const server = await startOrders();
  opening.defer(() => server.close());
  const { line } = open(opening, server.port, 'acme.orders.v1.Orders');
  assert.deepEqual(await line.ask(), good);
  const cases = [
    ['NOT_SERVING', 'it says NOT_SERVING'],
    ['UNKNOWN', 'it says UNKNOWN'],
    ['SERVICE_UNKNOWN', 'it says SERVICE_UNKNOWN'],
    [
      grpcStatus.NOT_FOUND,
      "its health service doesn't know acme.orders.v1.Orders (NOT_FOUND): name one that it knows in `health: { service: … }`",
    ],
    [grpcStatus.UNAVAILABLE, 'it answers grpc-status 14: so it was told'],
  ] as const;
  for (const [health, why] of cases) {
    server.health = health;
    assert.deepEqual(await line.ask(), { kind: 'failed', why, isGone: false });
  }
  server.health = 'SERVING';
  assert.deepEqual(await line.ask(), good);
  assert.deepEqual([...new Set(server.asked)], ['acme.orders.v1.Orders']);
});

test('a server without grpc.health.v1 is a fault that says what to do', async () => {
  await using opening = new AsyncDisposableStack();
  const server = await startOrders({ hasHealth: false });
  opening.defer(() => server.close());
  const found = await open(opening, server.port).line.ask();
  assert.ok(found.kind === 'failed' && !found.isGone);
  assert.match(
    found.why,
    /^it has no grpc\.health\.v1\.Health \(UNIMPLEMENTED\): add that to it, or take `health` away$/,
  );
});

test('a server that ends is heard of, and one that is there again is asked again', async () => {
  await using opening = new AsyncDisposableStack();
  const server = await startOrders();
  const opened = open(opening, server.port);
  assert.deepEqual(await opened.line.ask(), good);
  await server.close();
  await eventually(() => opened.broken === 1, 'the end is heard of');
  const found = await opened.line.ask();
  assert.deepEqual(found, { kind: 'failed', why: 'connection refused', isGone: true });
  const again = await startOrders({ port: server.port });
  opening.defer(() => again.close());
  assert.deepEqual(await opened.line.ask(), good);
});

test('silence is bounded, before the connection is there and after', async () => {
  await using opening = new AsyncDisposableStack();
  const sockets = new Set<Socket>();
  const mute = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  opening.defer(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const silent = await startOrders();
  opening.defer(() => silent.close());
  silent.health = 'silent';
  for (const port of [await listen(mute), silent.port]) {
    const found = await open(opening, port, '', 300).line.ask();
    assert.deepEqual(found, { kind: 'failed', why: 'no answer within 0.3 s', isGone: false });
  }
});

test('what is no HTTP/2 is a connection that broke', async () => {
  await using opening = new AsyncDisposableStack();
  const other = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  opening.defer(() => void other.close());
  const found = await open(opening, await listen(other)).line.ask();
  assert.deepEqual(found, { kind: 'failed', why: 'the connection broke', isGone: true });
});
