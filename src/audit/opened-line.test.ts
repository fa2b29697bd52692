import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { chainLines } from './batch.ts';
import { Block } from './block.ts';
import { readEvent } from './chain-line.ts';
import { openedLine } from './opened-line.ts';
import { encodeSpoolLine, spoolCore } from './spool-line.ts';
import { createSpoolLineParser } from './spool-parser.ts';

const record = exampleRecord(3, { path: '/acme.orders.v1.Orders/Watch\t\n' });
const { requestId, timeMs, worker, address } = record;
const call = { requestId, timeMs, worker, address, traceId: 'ab'.repeat(16), span: `${'cd'.repeat(8)}-01` };

function chained(text: string): string[] {
  const place = { spool: 'embedded-w1-1.spool', start: 0, position: 0, hash: '', nowMs: 1, block: new Block() };
  return chainLines(Buffer.from(text), createSpoolLineParser(), place).bytes.toString().split('\n').slice(0, -2);
}

test('an opened call stands in the chain as its engine wrote it, between calls', () => {
  const { traceId, span } = call;
  const { status, ...core } = { ...record.core, traceId, span };
  const lines = chained(
    `${encodeSpoolLine(record)}${openedLine(call, spoolCore(record.core))}${encodeSpoolLine(record)}`,
  );
  assert.equal(lines.length, 3);
  assert.deepEqual(readEvent(lines[1] as string, 9), {
    kind: 'opened',
    position: 9,
    requestId,
    timeMs,
    worker,
    engine: 'embedded',
    address,
    core,
  });
});

test('any cut or changed line of an opened call is unreadable, not wrong', () => {
  const line = openedLine({ ...call, traceId: null }, spoolCore(record.core)).slice(0, -1);
  assert.match(chained(`${line}\n`)[0] as string, /^{"kind":"opened"/);
  const cut = Array.from({ length: line.length - 1 }, (_, at) => line.slice(0, at + 1));
  const changed = [`${line}x`, line.replace('alice', 'mallo'), line.replace('"opened"', '"called"'), `x${line}`];
  for (const text of [...cut, ...changed])
    assert.match(chained(`${text}\n`)[0] as string, /^{"kind":"unreadable"/, text);
});
