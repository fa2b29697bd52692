import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Client } from 'undici';
import { connectorOf } from './upstream-socket.ts';

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test('bodies of every size and every byte go and come as they are, several on one connection', async (t) => {
  const connections = new Set<unknown>();
  const server = createServer((request, response) => {
    connections.add(request.socket);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(Buffer.concat(chunks)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new Client(`http://127.0.0.1:${port}`, { connect: connectorOf(5000) });
  t.after(async () => {
    await client.destroy();
    server.closeAllConnections();
    server.close();
  });
  for (const repeats of [1, 60, 70, 300, 8000]) {
    const sent = Buffer.concat(Array.from({ length: repeats }, () => everyByte));
    const { body } = await client.request({ path: '/', method: 'POST', body: sent, headers: { 'x-name': '\xe9' } });
    const got = Buffer.from(await body.arrayBuffer());
    assert.ok(got.equals(sent), `${sent.length} bytes`);
  }
  assert.equal(connections.size, 1);
});

test('a port that nobody listens on is an error', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const client = new Client(`http://127.0.0.1:${port}`, { connect: connectorOf(5000) });
  t.after(() => client.destroy());
  await assert.rejects(client.request({ path: '/', method: 'GET' }), { code: 'ECONNREFUSED' });
});
