import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grpcStatusOfHttp, grpcStatusOfReset } from './grpc-status.ts';

test('an HTTP status stands for what the gRPC specification says', () => {
  const said = [400, 401, 403, 404, 429, 502, 503, 504, 200, 301, 418, 500].map(grpcStatusOfHttp);
  assert.deepEqual(said, [13, 16, 7, 12, 14, 14, 14, 14, 2, 2, 2, 2]);
});

test('so does the code of a reset', () => {
  assert.deepEqual([0, 1, 2, 7, 8, 11, 12].map(grpcStatusOfReset), [13, 13, 13, 14, 1, 8, 7]);
});
