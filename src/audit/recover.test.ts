import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditBench, auditBench, callNames, linesIn } from '../../test/support/audit-bench.ts';
import { verifyAudit } from './verify.ts';

const name = 'audit-2026-11-21-0000000000000001.ndjson';

/** As a crash leaves it: blocks of events 1 to 3 behind a checkpoint, then 4 to 6 and 7 to 9, all in the spool. */
async function crashed(context: TestContext): Promise<AuditBench> {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 3);
  const writer = await bench.start({ bounds: { pollMs: 2, fsyncIntervalMs: 1e9 } });
  await writer.flush();
  for (const last of [6, 9]) {
    bench.append('embedded-w1-1.spool', last - 2, last);
    while (writer.status().position < last) await sleep(2);
  }
  const copy = auditBench(context);
  const filter = (path: string): boolean => !path.endsWith('writer.lock');
  cpSync(bench.spool, copy.spool, { recursive: true, filter });
  cpSync(bench.audit, copy.audit, { recursive: true, filter });
  return copy;
}

function spoil(bench: AuditBench, text: string): void {
  const path = join(bench.audit, name);
  const whole = readFileSync(path, 'utf8');
  assert.ok(whole.includes(text));
  writeFileSync(path, whole.replace(text, text.replace(/./g, '\0')));
}

test('a last block that a loss of power spoilt is cut off and chained again from the spool', async (context) => {
  const bench = await crashed(context);
  spoil(bench, '"sequence":8');
  await (await bench.start()).stop();
  assert.match(bench.logged.join('\n'), /repaired .*: \d+ bytes without a whole seal cut off/);
  assert.deepEqual(await bench.chained(), callNames('w1', 1, 9));
  assert.equal((await verifyAudit(bench.audit)).found, 0);
});

test('a spoilt block that a whole one follows stays, and is found', async (context) => {
  const bench = await crashed(context);
  spoil(bench, '"alice","id":"AAAAAAAAAAAAAAAAAAAAAA","client":null},"outcome":"allow"');
  spoil(bench, '"sequence":5');
  await (await bench.start()).stop();
  assert.match(bench.logged.join('\n'), /is damaged at bytes \d+ to \d+; left as it is/);
  const { findings, lastPosition } = await verifyAudit(bench.audit);
  assert.ok(findings.some(({ kind, line }) => kind === 'hash-wrong' && line === 5));
  assert.equal(lastPosition, 9);
});

test('without a checkpoint nothing that is sealed is cut off, since the spool may be gone', async (context) => {
  const bench = await crashed(context);
  spoil(bench, '"sequence":8');
  rmSync(join(bench.audit, 'checkpoint.json'));
  const before = linesIn(join(bench.audit, name)).length;
  await (await bench.start()).stop();
  assert.equal(linesIn(join(bench.audit, name)).length, before);
  assert.ok((await verifyAudit(bench.audit)).findings.some(({ kind }) => kind === 'hash-wrong'));
});

test('a chain of an earlier format is not touched', async (context) => {
  const bench = auditBench(context);
  await (await bench.start()).stop();
  const path = join(bench.audit, name);
  writeFileSync(path, '{"format":1,"position":1,"kind":"call"}\n');
  await assert.rejects(bench.start(), /^Error: audit-format: .*move it away to begin a new chain$/);
  assert.equal(readFileSync(path, 'utf8').length, 40);
});
