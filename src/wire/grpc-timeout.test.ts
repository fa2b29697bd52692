import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grpcTimeoutMs, grpcTimeoutText } from './grpc-timeout.ts';

test('every unit is read, and what is none is not', () => {
  const read = ['1000000n', '1500u', '20m', '5S', '2M', '1H', '0m', '99999999H'].map(grpcTimeoutMs);
  assert.deepEqual(read, [1, 1.5, 20, 5000, 120_000, 3_600_000, 0, 99999999 * 3_600_000]);
  for (const text of ['', '5', 'S', '5s', '-1S', '1.5S', ' 5S', '5S ', '5 S', '123456789m', '1S,2S', '5Sm']) {
    assert.equal(grpcTimeoutMs(text), undefined, text);
  }
});

test('what is written is never longer, and hardly shorter', () => {
  assert.deepEqual([0, -5, 0.0004, 1, 4999.5, 99_999.999, 100_000, 1e8, 1e11, 1e16].map(grpcTimeoutText), [
    '1u',
    '1u',
    '1u',
    '1000u',
    '4999500u',
    '99999999u',
    '100000m',
    '100000S',
    '1666666M',
    '99999999H',
  ]);
  for (let ms = 0.5; ms < 1e13; ms *= 1.37) {
    const back = grpcTimeoutMs(grpcTimeoutText(ms)) ?? 0;
    assert.ok(back <= ms + 1e-6 && back >= ms * 0.99 - 0.001, `${ms} ${back}`);
  }
});
