import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerParser } from './answer-parser.ts';

interface Heard {
  readonly heads: [number, readonly string[]][];
  body: string;
  trailers: readonly string[] | undefined;
  keepsAlive: boolean;
  /** Bytes that were left over. */
  left: number;
}

/** Reads text in pieces of so many bytes, and then the other side's end. */
function read(text: string, piece: number, isEnded = false): Heard {
  const heard: Heard = { heads: [], body: '', trailers: undefined, keepsAlive: false, left: 0 };
  const parser = new AnswerParser({
    onHead: (status, fields) => heard.heads.push([status, fields]),
    onBody: (chunk) => {
      heard.body += chunk.toString('latin1');
      return true;
    },
    onWhole: (trailers) => {
      heard.trailers = trailers;
      heard.keepsAlive = parser.keepsAlive;
    },
  });
  parser.begin();
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (let to = Math.min(piece, bytes.length); at < to; to = Math.min(to + piece, bytes.length)) {
    const next = parser.feed(bytes, at, to);
    heard.left = bytes.length - next;
    if (next < to) break;
    at = next;
  }
  if (isEnded) parser.end();
  return heard;
}

const long = 'x'.repeat(3000);
const good: readonly (readonly [string, Partial<Heard>])[] = [
  [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A:\t b  \r\n\r\nhello',
    { heads: [[200, ['content-length', '5', 'X-A', 'b']]], body: 'hello', keepsAlive: true },
  ],
  ['HTTP/1.1 404\r\nContent-Length: 0\r\nx: \xe9\r\n\r\n', { heads: [[404, ['Content-Length', '0', 'x', '\xe9']]] }],
  ['HTTP/1.1 204 \r\ncontent-length: 7\r\n\r\n', { heads: [[204, ['content-length', '7']]], body: '' }],
  ['HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', { heads: [[304, ['etag', '"a"']]], body: '' }],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a="b"\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n',
    { body: 'abc0123456789', trailers: [], keepsAlive: true },
  ],
  [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\ny:2\r\n\r\n',
    { body: 'a', trailers: ['x-sum', '1', 'y', '2'] },
  ],
  [
    'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na',
    {
      heads: [
        [103, ['link', '</a>']],
        [200, ['content-length', '1']],
      ],
      body: 'a',
    },
  ],
  ['HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\na', { keepsAlive: false }],
  ['HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na', { keepsAlive: false }],
  ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na', { keepsAlive: true }],
  [`HTTP/1.1 200 OK\r\nx: ${long}\r\ncontent-length: 3000\r\n\r\n${long}`, { body: long }],
];

test('an answer is the same however it is split', () => {
  for (const [text, expected] of good) {
    for (const piece of [1, 2, 3, 7, 20, text.length]) {
      const { left, ...heard } = read(text, piece);
      assert.deepEqual({ ...heard, ...expected }, heard, `${piece} of ${text.slice(0, 60)}`);
      assert.equal(left, 0);
      assert.ok(heard.trailers !== undefined, text);
    }
  }
});

test('one without a length ends with its connection, others do not', () => {
  const open = read('HTTP/1.1 200 OK\r\n\r\nabc', 4, true);
  assert.deepEqual([open.body, open.trailers, open.keepsAlive], ['abc', [], false]);
  assert.equal(read('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc', 4, true).body, 'abc');
  for (const cut of ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell', 'HTTP/1.1 200', 'HTTP/1.1 103 a\r\n\r\n']) {
    assert.equal(read(cut, 99, true).trailers, undefined, cut);
  }
});

test('what follows an answer is left', () => {
  assert.equal(read('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 200 OK\r\n', 999).left, 17);
});

test('whatever is no answer is a fault', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  const bad = [
    'HTTP/1.1 200 OK\ncontent-length: 0\n\n\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'SSH-2.0-x\r\n\r\n',
    `${ok}a b: c\r\n\r\n`,
    `${ok}a : c\r\n\r\n`,
    `${ok}: c\r\n\r\n`,
    `${ok}a: b\r\n c\r\n\r\n`,
    `${ok}a: b\rc\r\n\r\n`,
    `${ok}a: b\x00\r\n\r\n`,
    `${ok}content-length: 1\r\ncontent-length: 1\r\n\r\na`,
    `${ok}content-length: 1, 1\r\n\r\na`,
    `${ok}content-length: -1\r\n\r\na`,
    `${ok}content-length: 0x1\r\n\r\na`,
    `${ok}content-length:\r\n\r\na`,
    `${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\nx\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n-1\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n123456789\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n0\r\na b\r\n\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 1\r\n\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n1 ;a=b\r\na\r\n0\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n',
    `${ok}x: ${'y'.repeat(20_000)}\r\n\r\n`,
    `${ok}transfer-encoding: chunked\r\n\r\n1;${'y'.repeat(2000)}\r\na\r\n`,
  ];
  for (const text of bad) {
    for (const piece of [1, 9, text.length]) assert.throws(() => read(text, piece), Error, text.slice(0, 80));
  }
});
