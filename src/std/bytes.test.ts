import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBytes } from './bytes.ts';

test('reads sizes', () => {
  assert.equal(parseBytes('1B'), 1);
  assert.equal(parseBytes('512kB'), 524_288);
  assert.equal(parseBytes('64MB'), 67_108_864);
  assert.equal(parseBytes('2GB'), 2_147_483_648);
});

test('reads nothing else', () => {
  for (const text of ['', '64', '0MB', '064MB', '64mb', '64 MB', '6.4MB', '-1B', '64MiB', '12345678901B']) {
    assert.equal(parseBytes(text), undefined, text);
  }
});
