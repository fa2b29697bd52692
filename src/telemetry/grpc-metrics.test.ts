import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { chainedCalls } from '../audit/testing/chained-calls.ts';
import type { AuditCore, AuditRecord, AuditTiming } from '../audit/types.ts';
import { readSamples, type Sample, sumOf } from './exposition.ts';
import { grpcMetrics as rows } from './grpc-names.ts';
import { createMetrics } from './metrics.ts';

const watch = 'acme.orders.v1.Orders/Watch';

function call(method: string, timing: AuditTiming, core: Partial<AuditCore> = {}): AuditRecord {
  const what = { service: 'orders', operation: 'call', action: 'call', model: null, resource: `orders/${method}` };
  return { ...exampleRecord(1, { ...what, ...core }), timing };
}

async function told(records: readonly AuditRecord[], methods: readonly string[] = [watch]): Promise<Sample[]> {
  const metrics = createMetrics();
  metrics.setGrpcMethods(new Map([['orders', new Set(methods)]]));
  for (const record of records) metrics.observe(chainedCalls([record]));
  return readSamples(await metrics.text());
}

const of = (samples: readonly Sample[], name: string): string[] =>
  samples
    .filter((sample) => sample.name === name)
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`);

test('calls by method, status and outcome; messages and bytes each way; an unseen status is said to be', async () => {
  const samples = await told([
    call(watch, {
      totalMs: 7_200_000,
      grpcStatus: 0,
      messagesIn: 1,
      messagesOut: 4711,
      firstMs: 30,
      bytesIn: 5,
      bytesOut: 900,
    }),
    call(watch, { totalMs: 3, grpcStatus: 0, messagesIn: 1, messagesOut: 1, firstMs: 2, bytesIn: 5, bytesOut: 7 }),
    call(watch, { totalMs: 3000 }),
    call(watch, { totalMs: 3000 }, { status: 0 }),
    call(watch, { totalMs: 9, bytesIn: 1 }, { outcome: 'deny', reason: 'access-ended', grpcStatus: 7 }),
    call('', { totalMs: 1, grpcStatus: 0 }, { operation: 'reflect', action: 'reflect', resource: 'orders' }),
  ]);
  assert.deepEqual(of(samples, rows.grpcCalls.name), [
    `orders ${watch} OK allow 2`,
    `orders ${watch} unseen allow 1`,
    `orders ${watch} CANCELLED allow 1`,
    `orders ${watch} PERMISSION_DENIED deny 1`,
    'orders reflect OK allow 1',
  ]);
  assert.deepEqual(of(samples, rows.grpcMessages.name), [`orders ${watch} in 2`, `orders ${watch} out 4712`]);
  assert.deepEqual(of(samples, rows.grpcBytes.name), [`orders ${watch} in 11`, `orders ${watch} out 907`]);
  const first = `${rows.grpcFirstMessage.name}_count`;
  assert.deepEqual(of(samples, first), [`orders ${watch} 2`]);
});

test('durations fall into buckets that tell hours apart', async () => {
  const samples = await told([1, 3_600_001, 90_000_000].map((totalMs) => call(watch, { totalMs })));
  const name = `${rows.grpcDuration.name}_bucket`;
  const upTo = ['0.001', '3600', '10800', '86400', '+Inf'].map((le) => sumOf(samples, name, { le }));
  assert.deepEqual(upTo, [1, 1, 2, 2, 3]);
});

test('a method that nobody named is other, however many a caller makes up; other services have no such series', async () => {
  const made = Array.from({ length: 50 }, (_, at) => call(`made.Up/M${at}`, { totalMs: 1 }));
  const samples = await told([
    ...made,
    call('x', { totalMs: 1 }, { service: 'scoring' }),
    call('x', { totalMs: 1 }, { operation: null }),
  ]);
  assert.deepEqual(of(samples, rows.grpcCalls.name), ['orders other unseen allow 50']);
});

test('of very many methods the last ones are not told apart', async () => {
  const names = Array.from({ length: 1000 }, (_, at) => `a.B/M${at}`);
  const samples = await told(
    names.map((name) => call(name, { totalMs: 1 })),
    names,
  );
  const series = of(samples, rows.grpcCalls.name);
  assert.ok(series.length <= 252, `${series.length} series`);
  assert.equal(sumOf(samples, rows.grpcCalls.name), 1000);
});

test('what is counted follows the methods of the policy in force', async () => {
  const metrics = createMetrics();
  const calls = chainedCalls([call(watch, { totalMs: 1 })]);
  metrics.observe(calls);
  for (const methods of [[], [watch]]) {
    metrics.setGrpcMethods(new Map([['orders', new Set(methods)]]));
    metrics.observe(calls);
  }
  const samples = readSamples(await metrics.text());
  assert.deepEqual(of(samples, rows.grpcCalls.name), ['orders other unseen allow 1', `orders ${watch} unseen allow 1`]);
});

test('open streams by service: none is 0, and what the engine can not tell is left out', async () => {
  const metrics = createMetrics();
  metrics.setGrpcMethods(
    new Map([
      ['orders', new Set()],
      ['chat', new Set()],
    ]),
  );
  const engine = { keptDecisions: 0, endpoints: [] };
  const open = async (): Promise<string[]> => of(readSamples(await metrics.text()), rows.openStreams.name);
  metrics.setEngine({ ...engine, streams: { byService: { orders: 3 } } });
  assert.deepEqual(await open(), ['orders 3', 'chat 0']);
  metrics.setEngine(engine);
  assert.deepEqual(await open(), []);
});
