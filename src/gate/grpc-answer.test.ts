import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DenialReason, denials } from './denials.ts';
import { grpcAnswer, grpcStatusOf } from './grpc-answer.ts';

test('is a whole Trailers-Only answer', () => {
  assert.deepEqual(grpcAnswer('no-rule-allows', 'w-1'), {
    status: 200,
    headers: [
      ['content-type', 'application/grpc'],
      ['grpc-status', '7'],
      ['grpc-message', 'No rule of the access policy allows this caller to make this call. (w-1)'],
    ],
  });
});

test('says when to come again, and what coding is accepted', () => {
  const { headers } = grpcAnswer('limit-exceeded', 'w-1', { retryAfterSeconds: 7 });
  assert.deepEqual(headers.at(-1), ['retry-after', '7']);
  assert.deepEqual(grpcAnswer('message-compressed', 'w-1').headers.at(-1), ['grpc-accept-encoding', 'identity']);
});

test('has a status of gRPC for every refusal', () => {
  const expected: Readonly<Partial<Record<DenialReason, number>>> = {
    'credential-missing': 16,
    'credential-expired': 16,
    'rule-denies': 7,
    'version-unknown': 7,
    'limit-exceeded': 8,
    'body-too-large': 8,
    'gate-unavailable': 14,
    'upstream-unavailable': 14,
    'upstream-timeout': 4,
    'request-timeout': 4,
    'message-malformed': 3,
    'message-ambiguous': 3,
    'message-compressed': 12,
    'route-unknown': 12,
  };
  for (const [reason, status] of Object.entries(expected)) assert.equal(grpcStatusOf(reason as DenialReason), status);
  for (const reason of Object.keys(denials) as DenialReason[]) assert.notEqual(grpcStatusOf(reason), 2, reason);
});
