import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHuffman } from './huffman.ts';

function decode(hex: string): string | undefined {
  const from = Buffer.from(hex, 'hex');
  const to = Buffer.alloc(2 * from.length);
  const length = decodeHuffman(from, 0, from.length, to);
  return length < 0 ? undefined : to.toString('latin1', 0, length);
}

test('strings of RFC 7541', () => {
  assert.equal(decode('f1e3c2e5f23a6ba0ab90f4ff'), 'www.example.com');
  assert.equal(decode('a8eb10649cbf'), 'no-cache');
  assert.equal(decode('6402'), '302');
  assert.equal(decode('9d29ad171863c78f0b97c8e9ae82ae43d3'), 'https://www.example.com');
  assert.equal(decode(''), '');
});

test('the rarest symbol, of 30 bits, and wrong ends', () => {
  // 0x0a is 3ffffffc in 30 bits, then two ones.
  assert.equal(decode('fffffff3'), '\n');
  assert.equal(decode('fffffffc'), undefined);
  assert.equal(decode('ffffffff'), undefined);
  assert.equal(decode('ff'), undefined);
  assert.equal(decode('1fff'), undefined);
});
