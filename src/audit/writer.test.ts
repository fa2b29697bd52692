import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuditBench, auditBench, callNames, spoolText } from '../../test/support/audit-bench.ts';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { readAudit } from './read.ts';
import type { AuditRecord, ChainEvent } from './types.ts';
import { verifyAudit } from './verify.ts';

function spoolFiles(bench: AuditBench): string[] {
  return readdirSync(bench.spool).filter((name) => name.endsWith('.spool'));
}

test('lines of several files are chained, told on, and verified', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 500);
  const told: AuditRecord[] = [];
  const writer = await bench.start({ onRecord: (record) => told.push(record) });
  bench.append('embedded-w2-1.spool', 1, 300);
  await writer.flush();
  assert.equal(told.length, 800);
  const { state, position, behindBytes } = writer.status();
  assert.deepEqual({ state, position, behindBytes }, { state: 'ok', position: 800, behindBytes: 0 });
  await writer.stop();
  const verdict = await verifyAudit(bench.audit);
  assert.deepEqual([verdict.intact, verdict.found, verdict.calls, verdict.workers], [true, 0, 800, 2]);
});

test('a running writer finds new lines by itself', async (context) => {
  const bench = auditBench(context);
  let arrived = (): void => undefined;
  const third = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const writer = await bench.start({ onRecord: ({ sequence }) => sequence === 3 && arrived() });
  bench.append('embedded-w1-1.spool', 1, 3);
  await third;
  await writer.stop();
});

test('a partial last line waits for its end', async (context) => {
  const bench = auditBench(context);
  const text = spoolText('embedded-w1-1.spool', 1, 2);
  bench.raw('embedded-w1-1.spool', text.slice(0, -20));
  const writer = await bench.start();
  await writer.flush();
  assert.equal(writer.status().position, 1);
  bench.raw('embedded-w1-1.spool', text.slice(-20));
  await writer.flush();
  assert.equal(writer.status().position, 2);
  assert.equal(writer.status().unreadable, 0);
  await writer.stop();
});

test('a line that its parser cannot read is an event of its own', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 1);
  bench.raw('embedded-w1-1.spool', Buffer.from([0x68, 0xff, 0xfe, 0x80, 0x0a]));
  bench.raw('embedded-w1-1.spool', `${'é'.repeat(5000)}\n\n`);
  bench.append('embedded-w1-1.spool', 2, 2);
  const writer = await bench.start();
  await writer.flush();
  assert.equal(writer.status().unreadable, 3);
  await writer.stop();
  const events: ChainEvent[] = [];
  for await (const event of readAudit(bench.audit)) events.push(event);
  assert.deepEqual(
    events.map((event) => ('bytes' in event ? event.bytes : event.kind === 'call' && event.sequence)),
    [1, 4, 10_000, 0, 2],
  );
  assert.ok(events.every((event) => !('text' in event) || event.text.length <= 1025));
  const verdict = await verifyAudit(bench.audit);
  assert.deepEqual([verdict.intact, verdict.unreadable, verdict.found], [true, 3, 3]);
  const again = await bench.start();
  await again.flush();
  assert.equal(again.status().position, 5, 'offsets hold beside bytes that are no UTF-8');
  await again.stop();
});

test('a line longer than any may be is taken in pieces, and what follows is read again', async (context) => {
  const bench = auditBench(context);
  bench.raw('embedded-w1-1.spool', `${'x'.repeat(600_000)}\n`);
  bench.append('embedded-w1-1.spool', 1, 3);
  const writer = await bench.start();
  await writer.flush();
  assert.equal(writer.status().unreadable, 3);
  assert.deepEqual(await bench.chained(), callNames('w1', 1, 3));
  await writer.stop();
});

test('a parser that throws stops nothing', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 2);
  const parse = (): never => {
    throw new Error('out of order');
  };
  const writer = await bench.start({ parse });
  await writer.flush();
  assert.deepEqual([writer.status().position, writer.status().unreadable], [2, 2]);
  await writer.stop();
});

test('numbers that a parser got wrong make an unreadable event, not a line that is no JSON', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 4);
  const wrong: object[] = [
    { sequence: Number.NaN },
    { timeMs: Number.NaN },
    { core: { ...exampleRecord(1).core, status: Number.NaN } },
  ];
  const parse = (): AuditRecord => ({ ...exampleRecord(1), ...wrong.shift() });
  const writer = await bench.start({ parse });
  await writer.flush();
  assert.deepEqual([writer.status().position, writer.status().unreadable], [4, 3]);
  await writer.stop();
  assert.equal((await verifyAudit(bench.audit)).intact, true);
});

test('segments end by size and by day; names sort as the chain runs, also when the clock goes back', async (context) => {
  const bench = auditBench(context);
  const bounds = { pollMs: 5, segmentBytesMax: 20_000 };
  const writer = await bench.start({ bounds });
  const add = async (from: number, to: number): Promise<void> => {
    bench.append('embedded-w1-1.spool', from, to);
    await writer.flush();
  };
  await add(1, 30);
  await add(31, 31);
  bench.clock.nowMs += 86_400_000;
  await add(32, 32);
  bench.clock.nowMs -= 86_400_000;
  await add(33, 33);
  await writer.stop();
  const names = readdirSync(bench.audit).filter((name) => name.endsWith('.ndjson'));
  const starts = ['2026-11-21-0000000000000001', '2026-11-21-0000000000000031', '2026-11-22-0000000000000032'];
  assert.deepEqual(
    names.sort(),
    starts.map((start) => `audit-${start}.ndjson`),
  );
  assert.equal((await verifyAudit(bench.audit)).found, 0);
});

test('a second writer on the same directory fails loudly, and the first goes on', async (context) => {
  const bench = auditBench(context);
  const writer = await bench.start();
  await assert.rejects(bench.start(), /^Error: audit-locked: another writer holds/);
  bench.append('embedded-w1-1.spool', 1, 1);
  await assert.rejects(bench.start({ directory: `${bench.audit}-2` }), /audit-locked: .*spool/);
  await writer.flush();
  await writer.stop();
  await (await bench.start()).stop();
});

test('the older file of a worker is deleted once it is chained and synced; the newest stays', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-9.spool', 1, 20);
  bench.append('embedded-w1-10.spool', 21, 30);
  bench.append('embedded-w10-1.spool', 1, 5);
  const writer = await bench.start();
  await writer.flush();
  assert.deepEqual(spoolFiles(bench).sort(), ['embedded-w1-10.spool', 'embedded-w10-1.spool']);
  await writer.stop();
  assert.equal((await verifyAudit(bench.audit)).found, 0);
});

test('a still file is deleted when nobody holds it open for writing any more, its torn last line chained', async (context) => {
  const bench = auditBench(context);
  const held = openSync(join(bench.spool, 'embedded-w1-1.spool'), 'a');
  writeSync(held, spoolText('embedded-w1-1.spool', 1, 2).slice(0, -10));
  bench.append('embedded-gone-1.spool', 1, 3);
  const writer = await bench.start({ bounds: { pollMs: 5, idleMs: 1000 } });
  const settle = async (): Promise<void> => {
    await writer.flush();
    bench.clock.nowMs += 2000;
    await writer.flush();
    await writer.flush();
  };
  await settle();
  assert.deepEqual(spoolFiles(bench), ['embedded-w1-1.spool']);
  closeSync(held);
  await settle();
  assert.deepEqual(spoolFiles(bench), []);
  assert.deepEqual([writer.status().position, writer.status().unreadable], [5, 1]);
  await writer.stop();
});

test('another engine left lines: each file is read by its own parser', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 2);
  bench.raw('haproxy-w7-1.spool', 'line\n');
  const parse = (): { unreadable: string } => ({ unreadable: 'a line of haproxy' });
  const { createSpoolLineParser } = await import('./spool-line.ts');
  const writer = await bench.start({ parse, parsers: { embedded: createSpoolLineParser() } });
  await writer.flush();
  assert.deepEqual([writer.status().position, writer.status().unreadable], [3, 1]);
  await writer.stop();
});

test('a spool too far ahead of the chain counts as failing until it is caught up', async (context) => {
  const bench = auditBench(context);
  const states: string[] = [];
  const bounds = { pollMs: 5, spoolBytesMax: 10 };
  const writer = await bench.start({
    bounds,
    onStatus: ({ state, reason }) => states.push(`${state} ${reason ?? ''}`),
  });
  bench.raw('embedded-w1-1.spool', 'a line that has no end');
  await assert.rejects(writer.flush(), /the spool is 22 bytes ahead of the chain/);
  bench.raw('embedded-w1-1.spool', '\n');
  await writer.flush();
  assert.deepEqual(states, ['failing the spool is 22 bytes ahead of the chain', 'ok ']);
  await writer.stop();
});

test('a chain that was cut behind its checkpoint goes on from there, so that the gap stays seen', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 5);
  await (await bench.start()).stop();
  const segment = join(bench.audit, 'audit-2026-11-21-0000000000000001.ndjson');
  truncateSync(segment, 100);
  bench.append('embedded-w1-1.spool', 6, 6);
  await (await bench.start()).stop();
  assert.ok(bench.logged.some((line) => line.includes('shorter than its checkpoint')));
  const { findings } = await verifyAudit(bench.audit);
  assert.deepEqual(
    findings.map(({ kind, line }) => `${kind} ${line}`),
    ['position-gap 1', 'segment-misnamed 1', 'record-missing 1'],
  );
});

test('the checkpoint is not ahead of the disk, and a start reads only what follows it', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 5);
  await (await bench.start()).stop();
  assert.ok(existsSync(join(bench.audit, 'checkpoint.json')));
  assert.ok(!existsSync(join(bench.audit, 'checkpoint.json.new')));
  assert.equal(
    execFileSync('wc', ['-l', join(bench.audit, 'checkpoint.json')], { encoding: 'utf8' }).split(' ')[0],
    '1',
  );
  const writer = await bench.start();
  assert.equal(writer.status().position, 5);
  await writer.stop();
});

test('of a file that grows for long, the disk gets back what is chained and synced', async (context) => {
  const bench = auditBench(context);
  const path = join(bench.spool, 'embedded-w1-1.spool');
  const writer = await bench.start({ bounds: { pollMs: 5, releaseBytesMin: 100_000 } });
  bench.append('embedded-w1-1.spool', 1, 1000);
  await writer.flush();
  await writer.flush();
  const { size, blocks } = statSync(path);
  assert.ok(size > 500_000);
  const said = bench.logged.some((line) => line.includes('stays on the disk as a whole'));
  assert.ok(said || blocks * 512 < 100_000, `${blocks * 512} bytes of ${size} still there`);
  bench.append('embedded-w1-1.spool', 1001, 1002);
  await writer.flush();
  await writer.stop();
  assert.deepEqual(await bench.chained(), callNames('w1', 1, 1002));
  assert.equal((await verifyAudit(bench.audit)).found, 0);
});
