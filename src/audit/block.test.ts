import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { auditBench, callNames, linesIn } from '../../test/support/audit-bench.ts';
import { blockBytesMax, blockEventsMax, unreadableTextMax } from './bounds.ts';
import { isSeal, readSeal } from './chain-line.ts';
import { verifyAudit } from './verify.ts';

test('what one round reads becomes blocks that are bounded in bytes and events', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 3000);
  const nonsense = blockEventsMax + 100;
  bench.raw('embedded-w2-1.spool', 'x\n'.repeat(nonsense));
  await (await bench.start()).stop();
  const [name = ''] = readdirSync(bench.audit).filter((file) => file.endsWith('.ndjson'));
  const lines = linesIn(join(bench.audit, name));
  const seals = lines.filter(isSeal).map((line) => readSeal(line)?.seal);
  assert.ok(seals.length > 6);
  assert.ok(seals.every((seal) => seal !== undefined && seal.last - seal.first < blockEventsMax));
  let bytes = 0;
  for (const line of lines) {
    bytes = isSeal(line) ? 0 : bytes + line.length + 1;
    assert.ok(bytes <= blockBytesMax);
  }
  const verdict = await verifyAudit(bench.audit);
  assert.deepEqual([verdict.intact, verdict.events, verdict.blocks], [true, 3000 + nonsense, seals.length]);
  assert.deepEqual(await bench.chained(), callNames('w1', 1, 3000));
});

test('an event that is longer than a block has one to itself', async (context) => {
  const bench = auditBench(context);
  const path = 'ä'.repeat(blockBytesMax / 4);
  bench.append('embedded-w1-1.spool', 1, 1);
  bench.append('embedded-w1-1.spool', 2, 2, { path, method: '\u0001'.repeat(blockBytesMax / 16) });
  bench.append('embedded-w1-1.spool', 3, 3);
  bench.raw('embedded-w2-1.spool', `${'\u0001'.repeat(unreadableTextMax * 9)}\n`);
  await (await bench.start()).stop();
  const { findings, events } = await verifyAudit(bench.audit);
  assert.deepEqual([findings.map(({ kind }) => kind), events], [['spool-line-unreadable'], 4]);
});
