import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from './hpack-decoder.ts';

const bounds = { listBytesMax: 65_536, fieldsMax: 100 };

/** Decodes blocks of one connection; pseudo-header fields come first. */
function decodeAll(...blocks: readonly string[]): string[][] {
  const decoder = new HpackDecoder(bounds);
  return blocks.map((hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const { method, scheme, path, authority, status, fields } = decoder.decode(bytes, 0, bytes.length);
    const pseudo = [method, scheme, path, authority].filter((value) => value !== undefined);
    return [...(status === 0 ? pseudo : [String(status)]), ...fields];
  });
}

/** Of a response with a table of 256 bytes: the vectors of C.5 and C.6 are for one. */
const size256 = '3fe101';

test('RFC 7541, C.2: each representation', () => {
  assert.deepEqual(decodeAll('400a637573746f6d2d6b65790d637573746f6d2d686561646572')[0], [
    'custom-key',
    'custom-header',
  ]);
  assert.deepEqual(decodeAll('040c2f73616d706c652f70617468')[0], ['/sample/path']);
  assert.deepEqual(decodeAll('100870617373776f726406736563726574')[0], ['password', 'secret']);
  assert.deepEqual(decodeAll('82')[0], ['GET']);
});

const requests = [
  ['GET', 'http', '/', 'www.example.com'],
  ['GET', 'http', '/', 'www.example.com', 'cache-control', 'no-cache'],
  ['GET', 'https', '/index.html', 'www.example.com', 'custom-key', 'custom-value'],
];

test('RFC 7541, C.3: requests without Huffman coding', () => {
  const found = decodeAll(
    '828684410f7777772e6578616d706c652e636f6d',
    '828684be58086e6f2d6361636865',
    '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  );
  assert.deepEqual(found, requests);
});

test('RFC 7541, C.4: requests with Huffman coding', () => {
  const found = decodeAll(
    '828684418cf1e3c2e5f23a6ba0ab90f4ff',
    '828684be5886a8eb10649cbf',
    '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  );
  assert.deepEqual(found, requests);
});

const date = 'Mon, 21 Oct 2013 20:13:21 GMT';
const later = 'Mon, 21 Oct 2013 20:13:22 GMT';
const location = ['location', 'https://www.example.com'];
const cookie = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const responses = [
  ['302', 'cache-control', 'private', 'date', date, ...location],
  ['307', 'cache-control', 'private', 'date', date, ...location],
  ['200', 'cache-control', 'private', 'date', later, ...location, 'content-encoding', 'gzip', 'set-cookie', cookie],
];

test('RFC 7541, C.5: responses without Huffman coding, and eviction', () => {
  const found = decodeAll(
    `${size256}4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17` +
      '68747470733a2f2f7777772e6578616d706c652e636f6d',
    '4803333037c1c0bf',
    '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48' +
      '514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
  );
  assert.deepEqual(found, responses);
});

test('RFC 7541, C.6: responses with Huffman coding, and eviction', () => {
  const found = decodeAll(
    `${size256}488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3`,
    '4883640effc1c0bf',
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f' +
      '3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  );
  assert.deepEqual(found, responses);
});

test('what is no header block ends the connection', () => {
  const broken = [
    '80', // index 0
    'be', // beyond the tables
    '7fffffffff0f', // an integer that is too long
    '40', // cut short
    '400a6375', // a string beyond the end
    '4001618300ffff', // Huffman: padding of eight bits and more
    '4001618100', // Huffman: padding of zeros
    '40016184ffffffff', // Huffman: EOS
    '823fe11f', // a size after a field
    '3fe23f', // a table larger than allowed
  ];
  for (const hex of broken) assert.throws(() => decodeAll(hex), /header block/, hex);
});

test('a block that comes again is remembered, until the table changes', () => {
  const decoder = new HpackDecoder(bounds);
  const decode = (hex: string) => decoder.decode(Buffer.from(hex, 'hex'), 0, hex.length / 2);
  decode('400a637573746f6d2d6b65790d637573746f6d2d686561646572');
  const first = decode('82be');
  assert.equal(decode('82be'), first);
  decode('4001610162');
  assert.deepEqual(decode('82be').fields, ['a', 'b']);
});

test('beyond the bounds nothing is kept, and the table goes on', () => {
  const decoder = new HpackDecoder({ listBytesMax: 400, fieldsMax: 100 });
  // A field of the table of a hundred bytes, thirty times.
  const value = 'v'.repeat(68);
  const added = Buffer.concat([Buffer.from([0x40, 1, 0x61, 68]), Buffer.from(value)]);
  decoder.decode(added, 0, added.length);
  const bomb = Buffer.alloc(30, 0xbe);
  const head = decoder.decode(bomb, 0, bomb.length);
  assert.equal(head.isTooLarge, true);
  assert.ok(head.fields.length <= 8);
  assert.deepEqual(decoder.decode(Buffer.from([0xbe]), 0, 1).fields, ['a', value]);
});
