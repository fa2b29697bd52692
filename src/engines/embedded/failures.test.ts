import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushbackMs, retryAfterMs } from './failures.ts';

test('for how long a replica asks to be left alone', () => {
  const now = Date.parse('Sat, 21 Nov 2026 12:00:00 GMT');
  const of = (value: string): number => retryAfterMs(['date', 'x', 'Retry-After', value], now);
  assert.deepEqual(
    [of('0'), of('1'), of('120'), of('Sat, 21 Nov 2026 12:00:02 GMT'), of('Fri, 20 Nov 2026 12:00:02 GMT'), of('soon')],
    [0, 1000, 120_000, 2000, 0, 0],
  );
  assert.equal(retryAfterMs([], now), 0);
  assert.deepEqual(
    ['0', '40', '-1', 'x', ''].map((value) => pushbackMs(['grpc-retry-pushback-ms', value])),
    [0, 40, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  );
  assert.equal(pushbackMs(['grpc-status', '14']), 0);
});
