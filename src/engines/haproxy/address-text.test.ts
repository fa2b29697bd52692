import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from './address-text.ts';

test('an address as people write it', () => {
  const texts: readonly [hexadecimal: string, text: string][] = [
    ['7F000001', '127.0.0.1'],
    ['0A0000FF', '10.0.0.255'],
    ['00000000000000000000000000000001', '::1'],
    ['20010DB8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['00000000000000000000FFFFC0000207', '::ffff:192.0.2.7'],
  ];
  for (const [hexadecimal, text] of texts) assert.equal(addressText(Buffer.from(hexadecimal, 'hex')), text);
});
