import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { Client } from 'undici';
import { PlainClient } from './upstream-client.ts';

const casesCount = 400;
const answers = [
  'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A:\t b\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n',
  'HTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na',
  'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na',
  'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc',
  'HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n',
];
const pieces = ['\r\n', '\n', '\r', ' ', '\t', ':', '0', '1', 'a', '\0', '\x7f', '\xff', ',', ';', '-', '+', 'F', '"'];
const fields = ['content-length: 5', 'content-length: 1', 'transfer-encoding: chunked', 'transfer-encoding: gzip'];
const lines = [...fields, 'connection: close', 'connection: keep-alive', 'upgrade: x', ' folded'];

/** Numbers below a bound, the same in every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };
}

/** An answer with one to three things wrong, or right in another way. */
function changed(answer: string, below: (bound: number) => number): string {
  let text = answer;
  for (let left = below(3); left >= 0; left -= 1) {
    const at = below(text.length + 1);
    const kind = below(4);
    const piece = pieces[below(pieces.length)] ?? '';
    if (kind === 0) text = text.slice(0, at) + piece + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + below(3));
    else if (kind === 2) text = text.slice(0, at) + piece + text.slice(at + 1);
    else {
      const parts = text.split('\r\n');
      parts.splice(1 + below(Math.max(1, parts.length - 1)), 0, lines[below(lines.length)] ?? '');
      text = parts.join('\r\n');
    }
  }
  return text;
}

/** What a client makes of the answer: all that it hears, or that it is an error. White space behind values is nothing. */
function told(client: Pick<Client, 'dispatch'> | PlainClient): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const text = (part: Buffer | string): string => part.toString('latin1' as never).trimEnd();
    const handler = {
      onConnect: () => undefined,
      onHeaders(status: number, raw: readonly (Buffer | string)[]) {
        heard += `${status} ${raw.map(text).join('|')}\n`;
        return true;
      },
      onData(chunk: Buffer) {
        heard += chunk.toString('latin1');
        return true;
      },
      onComplete: (trailers: readonly (Buffer | string)[] | null) =>
        resolve(`${heard}\n${(trailers ?? []).map(text).join('|')}`),
      onError: () => resolve('error'),
    };
    const timeouts = { headersTimeout: 5000, bodyTimeout: 5000 };
    const request = { method: 'POST', path: '/', headers: ['host', 'h'], body: Buffer.from('x'), ...timeouts };
    (client.dispatch as (of: typeof request, by: typeof handler) => unknown).call(client, request, handler);
  });
}

test('answers in order and out of it mean what undici takes them for, or are refused', async (t) => {
  let [answer, cut] = ['', 0];
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const bytes = Buffer.from(answer, 'latin1');
      socket.write(bytes.subarray(0, cut));
      setImmediate(() => socket.end(bytes.subarray(cut)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const below = numbers(20_261_121);
  let refused = 0;
  for (let count = 0; count < casesCount; count += 1) {
    const base = answers[count % answers.length] ?? '';
    answer = count < answers.length ? base : changed(base, below);
    cut = below(answer.length + 1);
    const undici = new Client(`http://127.0.0.1:${port}`);
    const theirs = await told(undici);
    await undici.destroy();
    const plain = new PlainClient({ host: '127.0.0.1', port }, 5000);
    const ours = await told(plain);
    plain.close();
    if (ours !== 'error') assert.equal(ours, theirs, JSON.stringify(answer));
    else if (theirs !== 'error') refused += 1;
    if (count < answers.length) assert.notEqual(ours, 'error', base);
  }
  assert.ok(refused < casesCount / 50, `${refused} are refused that undici takes`);
});
