import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import type { AuditRecord } from '../audit/types.ts';
import { spanAttributes } from './span-names.ts';
import { spansOf } from './spans.ts';

function record(core: Partial<AuditRecord['core']>, timing: AuditRecord['timing']): AuditRecord {
  return { ...exampleRecord(1, core), timing };
}

const tookMs = ({
  startTimeUnixNano,
  endTimeUnixNano,
}: {
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}): number => Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;

const textOf = (span: ReturnType<typeof spansOf>[number] | undefined, key: string): string | undefined => {
  const value = span?.attributes.find((each) => each.key === key)?.value;
  return value === undefined ? undefined : 'stringValue' in value ? value.stringValue : value.intValue;
};

test('gate, queue and service stand one after the other within the call, each as long as it took', () => {
  const timing = {
    totalMs: 20,
    gateMs: 2.5,
    queueMs: 7,
    connectMs: 1,
    upstreamMs: 8,
    endpoint: '[::1]:8501',
    tries: 2,
  };
  const spans = spansOf(record({}, { ...timing, leader: 'w1-7' }));
  assert.deepEqual(
    spans.map((span) => [span.name, span.kind, tookMs(span)]),
    [
      ['predict scoring/finance-prod', 2, 20],
      ['gate', 1, 2.5],
      ['queue', 1, 7],
      ['upstream', 3, 9],
    ],
  );
  const [call, gate, queue, upstream] = spans;
  assert.equal(gate?.startTimeUnixNano, call?.startTimeUnixNano);
  assert.equal(queue?.startTimeUnixNano, gate?.endTimeUnixNano);
  assert.equal(textOf(upstream, spanAttributes.server), '::1');
  assert.equal(textOf(call, spanAttributes.tries), '2');
  assert.equal(textOf(call, spanAttributes.leader), 'w1-7');
});

test('parts never end after the call: a proxy counts whole milliseconds', () => {
  const [call, upstream] = spansOf(record({}, { totalMs: 1, connectMs: 1, upstreamMs: 1 }));
  assert.equal(upstream?.endTimeUnixNano, call?.endTimeUnixNano);
});

test('a failure of the service or of ours is an error, a refusal is none', () => {
  const codes = [
    record({ status: 200 }, { totalMs: 1 }),
    record({ status: 403 }, { totalMs: 1 }),
    record({ status: 503 }, { totalMs: 1 }),
    record({ status: 200, grpcStatus: 7 }, { totalMs: 1 }),
    record({ status: 200 }, { totalMs: 1, grpcStatus: 14 }),
  ].map((each) => spansOf(each)[0]?.status.code);
  assert.deepEqual(codes, [undefined, undefined, 2, undefined, 2]);
});

test("a caller's own words make no name", () => {
  const nobody = { rule: null, resource: 'scoring/made-up', model: 'made-up', outcome: 'deny' } as const;
  const [unknown] = spansOf(record({ ...nobody, reason: 'resource-unknown' }, { totalMs: 1 }));
  assert.equal(unknown?.name, 'predict');
  assert.equal(textOf(unknown, spanAttributes.model), undefined);
  const [malformed] = spansOf(record({ ...nobody, operation: null, method: 'X'.repeat(500) }, { totalMs: 1 }));
  assert.equal(malformed?.name, 'call');
});

test('a stream says its method, what went each way, and when its first message came', () => {
  const method = {
    operation: 'call',
    action: 'call',
    service: 'orders',
    resource: 'orders/acme.orders.v1.Orders/Watch',
  };
  const timing = { totalMs: 7_200_000, grpcStatus: 0, messagesIn: 1, messagesOut: 4711, firstMs: 12.5 };
  const [span, ...others] = spansOf(record(method, timing));
  assert.deepEqual([span?.name, others.length], ['call orders/acme.orders.v1.Orders/Watch', 0]);
  const keys = ['rpcSystem', 'rpcService', 'rpcMethod', 'grpcStatus', 'messagesIn', 'messagesOut'] as const;
  const values = keys.map((key) => textOf(span, spanAttributes[key]));
  assert.deepEqual(values, ['grpc', 'acme.orders.v1.Orders', 'Watch', '0', '1', '4711']);
  const [first] = span?.events ?? [];
  assert.deepEqual(
    [first?.name, Number(BigInt(first?.timeUnixNano ?? 0) - BigInt(span?.startTimeUnixNano ?? 0))],
    ['first message', 12_500_000],
  );
  const [unknown] = spansOf(record(method, { totalMs: 1, grpcStatus: 12 }));
  assert.equal(unknown?.name, 'call');
});
