import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { chainedCalls } from '../audit/testing/chained-calls.ts';
import type { ChainedCalls, HeldCore } from '../audit/types.ts';
import { SpanExport } from './span-export.ts';

const source = { version: '0', environment: 'dev', engine: 'embedded' };

/** A block of so many calls, each with two spans. */
function block(count: number): ChainedCalls {
  const record = { ...exampleRecord(1), timing: { totalMs: 2, upstreamMs: 1 } };
  const calls = chainedCalls([record]);
  const all = <T>(value: T): T[] => new Array<T>(count).fill(value);
  const line = Buffer.from(
    `{"kind":"call","requestId":"${record.requestId}","core":{"status":200,"traceId":null,"x":1}}`,
  );
  return {
    ...calls,
    count,
    statuses: all(200),
    cores: all(calls.cores[0] as HeldCore),
    line: () => line,
    record: () => record,
  };
}

test('a collector that does not answer holds up nobody: what waits is bounded, what is over is dropped and counted', async (context) => {
  const silent = createServer(() => undefined);
  context.after(() => silent.close().closeAllConnections());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const otlp = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const exporting = new SpanExport({ source, log: () => undefined });
  exporting.configure({ otlp, samplePpm: 1_000_000 });
  exporting.observe(block(10_000));
  const { sent, dropped, failed } = exporting.counts ?? {};
  assert.deepEqual({ sent, failed }, { sent: 0, failed: 0 });
  assert.ok(dropped !== undefined && dropped > 20_000 - 2 * 8192 && dropped % 2 === 0, `dropped ${dropped}`);
  const beganMs = performance.now();
  await exporting.stop(100);
  assert.ok(performance.now() - beganMs < 4000);
});

test('nothing is made where nothing is exported', () => {
  const exporting = new SpanExport({ source, log: () => undefined });
  exporting.observe(block(10));
  assert.equal(exporting.counts, undefined);
  exporting.configure({ otlp: 'http://127.0.0.1:1', samplePpm: 0 });
  exporting.observe(block(10));
  assert.deepEqual(exporting.counts, { sent: 0, dropped: 0, failed: 0 });
});
