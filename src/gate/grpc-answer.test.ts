import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStatus } from '../../test/support/rpc-status.ts';
import { type DenialReason, denials } from './denials.ts';
import { grpcAnswer, grpcStatusOf } from './grpc-answer.ts';

test('is a whole Trailers-Only answer', () => {
  const { status, headers } = grpcAnswer('no-rule-allows', 'w-1');
  const [details, ...rest] = headers.toReversed();
  assert.equal(status, 200);
  assert.deepEqual(rest.toReversed(), [
    ['content-type', 'application/grpc'],
    ['grpc-status', '7'],
    ['grpc-message', 'No rule of the access policy allows this caller to make this call. (w-1)'],
  ]);
  assert.equal(details?.[0], 'grpc-status-details-bin');
});

test('has details that a program can read, of every refusal, however long its id is', () => {
  for (const id of ['w-1', `worker.1-${'9'.repeat(120)}`]) {
    for (const reason of Object.keys(denials) as DenialReason[]) {
      const fields = new Map(grpcAnswer(reason, id).headers);
      const retryAfter = fields.get('retry-after');
      const { info, ...said } = readStatus(fields.get('grpc-status-details-bin') ?? '');
      assert.deepEqual(said, {
        code: grpcStatusOf(reason),
        message: fields.get('grpc-message'),
        ...(retryAfter !== undefined && { retryAfterSeconds: Number(retryAfter) }),
      });
      assert.match(info.reason, /^[A-Z][A-Z_]+[A-Z]$/);
      assert.equal(info.reason.toLowerCase().replaceAll('_', '-'), reason);
      assert.deepEqual([info.domain, info.metadata], ['headgate', { request_id: id }]);
    }
  }
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
