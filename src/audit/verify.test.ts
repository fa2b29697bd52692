import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AuditBench, auditBench, linesIn, spoolText } from '../../test/support/audit-bench.ts';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { sealBody, sealHash } from './chain-line.ts';
import { openedLine } from './opened-line.ts';
import { encodeSpoolLine, spoolCore } from './spool-line.ts';
import type { Seal } from './types.ts';
import { verifyAudit } from './verify.ts';

type Told = ReturnType<typeof exampleRecord>;

const names = [1, 21, 41].map((first) => `audit-2026-11-21-${String(first).padStart(16, '0')}.ndjson`);
const [first, second, third] = names as [string, string, string];

/** Three segments of two blocks of 10 events each, of one worker: events stand in lines 1 to 10 and 12 to 21, seals in 11 and 22. */
async function chainOfThree(context: TestContext): Promise<AuditBench> {
  const bench = auditBench(context);
  const writer = await bench.start({ bounds: { pollMs: 5, segmentBytesMax: 10_000 } });
  for (let from = 1; from <= 60; from += 10) {
    bench.append('embedded-w1-1.spool', from, from + 9);
    await writer.flush();
  }
  await writer.stop();
  return bench;
}

async function found(bench: AuditBench): Promise<string[]> {
  const { findings, intact } = await verifyAudit(bench.audit);
  assert.equal(
    intact,
    findings.every(({ severity }) => severity === 'warning'),
  );
  return findings.map(({ kind, file, line, message }) => `${kind} ${file}:${line ?? ''} ${message}`);
}

function edit(bench: AuditBench, name: string, change: (lines: string[]) => string[]): void {
  const path = join(bench.audit, name);
  writeFileSync(
    path,
    change(linesIn(path))
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** Lines as a forger would seal them anew who knows how hashes are made; the last is the seal. */
function resealed(lines: readonly string[], change: Partial<Seal> = {}): string[] {
  const events = lines.slice(0, -1);
  const seal = JSON.parse(lines.at(-1) as string).seal as Seal;
  const body = sealBody({ ...seal, ...change });
  const digest = hash('sha256', `${events.map((line) => `${line}\n`).join('')}${body}`, 'hex');
  return [...events, `${body}${sealHash(digest)}`.trimEnd()];
}

test('a whole chain has no findings; its end is told', async (context) => {
  const bench = await chainOfThree(context);
  const verdict = await verifyAudit(bench.audit);
  const { intact, found: count, segments, blocks, events, calls, firstPosition, lastPosition, workers } = verdict;
  assert.deepEqual(
    [intact, count, segments, blocks, events, calls, firstPosition, lastPosition, workers],
    [true, 0, 3, 6, 60, 60, 1, 60, 1],
  );
  assert.equal(verdict.lastHash, JSON.parse(linesIn(join(bench.audit, third)).at(-1) as string).hash);
});

test('the hash of a block is what the README says, so that anyone can check it', async (context) => {
  const bench = await chainOfThree(context);
  const lines = linesIn(join(bench.audit, first)).slice(0, 11);
  assert.deepEqual(resealed(lines), lines);
  const path = join(bench.audit, first);
  const shell = `sed -n 1,11p ${path} | sed '$s/,"hash":"[0-9a-f]*"}$//' | head -c -1 | sha256sum`;
  const sum = execFileSync('sh', ['-c', shell], { encoding: 'utf8' }).slice(0, 64);
  assert.equal(sum, JSON.parse(lines[10] as string).hash);
});

test('a changed byte is found in its block, event or seal, also where it was sealed anew', async (context) => {
  const bench = await chainOfThree(context);
  const whole = linesIn(join(bench.audit, second));
  const changed = whole.with(4, (whole[4] as string).replace('alice', 'mallo'));
  const inBlock = `hash-wrong ${second}:1 lines 1 to 11, events 21 to 30, were changed: their hash is another`;
  edit(bench, second, () => changed);
  assert.deepEqual(await found(bench), [inBlock]);
  edit(bench, second, () => whole.with(10, (whole[10] as string).replace('"timeMs":1', '"timeMs":2')));
  assert.deepEqual(await found(bench), [inBlock]);
  edit(bench, second, () => whole.with(10, (whole[10] as string).replace(/"hash":"./, '"hash":"x')));
  assert.deepEqual(await found(bench), [
    `seal-unreadable ${second}:11 no readable seal closes the 10 events before it`,
    `position-gap ${second}:12 positions 21 to 30 are missing`,
  ]);
  edit(bench, second, () => [...resealed(changed.slice(0, 11)), ...changed.slice(11)]);
  assert.deepEqual(await found(bench), [
    `chain-broken ${second}:12 the block of events 31 to 40 does not follow the block before it`,
  ]);
});

test('each single byte that is changed is found', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 2);
  await (await bench.start()).stop();
  const path = join(bench.audit, first);
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] as number) ^ 1;
    writeFileSync(path, changed);
    assert.equal((await verifyAudit(bench.audit)).intact, false, `byte ${at}`);
  }
});

test('removed, added and swapped lines are found', async (context) => {
  const bench = await chainOfThree(context);
  const whole = linesIn(join(bench.audit, second));
  edit(bench, second, (lines) => lines.toSpliced(2, 3));
  assert.deepEqual(await found(bench), [
    `block-miscounted ${second}:1 the seal in line 8 closes 10 events, 7 stand before it: lines were added or removed`,
    `record-missing ${second}:3 records 23 to 25 of worker w1 never came`,
  ]);
  edit(bench, second, () => whole.toSpliced(3, 0, whole[2] as string));
  assert.deepEqual(await found(bench), [
    `block-miscounted ${second}:1 the seal in line 12 closes 10 events, 11 stand before it: lines were added or removed`,
    `record-repeated ${second}:4 record 23 of worker w1 is there twice`,
  ]);
  edit(bench, second, () => whole.with(2, whole[3] as string).with(3, whole[2] as string));
  assert.deepEqual(await found(bench), [
    `hash-wrong ${second}:1 lines 1 to 11, events 21 to 30, were changed: their hash is another`,
  ]);
  edit(bench, second, () => whole.with(3, 'not an event'));
  assert.deepEqual(await found(bench), [
    `hash-wrong ${second}:1 lines 1 to 11, events 21 to 30, were changed: their hash is another`,
    `line-unreadable ${second}:4 the line is not JSON of an event`,
    `record-missing ${second}:5 record 24 of worker w1 never came`,
  ]);
});

test('removed, repeated and swapped blocks are found', async (context) => {
  const bench = await chainOfThree(context);
  const whole = linesIn(join(bench.audit, second));
  const [one, two] = [whole.slice(0, 11), whole.slice(11)];
  edit(bench, second, () => two);
  assert.deepEqual(await found(bench), [
    `position-gap ${second}:1 positions 21 to 30 are missing`,
    `segment-misnamed ${second}:1 begins with position 31, its name says 21`,
    `record-missing ${second}:1 records 21 to 30 of worker w1 never came`,
  ]);
  edit(bench, second, () => [...one, ...one, ...two]);
  const repeated = await found(bench);
  assert.equal(repeated[0], `position-repeated ${second}:12 the block of positions 21 to 30 stands after position 30`);
  assert.equal(repeated[1], `record-repeated ${second}:12 record 21 of worker w1 is there twice`);
  assert.equal(repeated.length, 11);
  edit(bench, second, () => [...two, ...one]);
  assert.deepEqual(
    (await found(bench)).map((finding) => finding.split(' ', 2).join(' ')),
    [
      `position-gap ${second}:1`,
      `segment-misnamed ${second}:1`,
      `position-repeated ${second}:12`,
      `chain-broken ${third}:1`,
    ],
  );
  const renumbered = resealed(two, { first: 21, last: 30, previous: JSON.parse(one.at(-1) as string).seal.previous });
  edit(bench, second, () => renumbered);
  assert.deepEqual(
    (await found(bench)).map((finding) => finding.split(' ', 2).join(' ')),
    [`position-gap ${third}:1`, `record-missing ${second}:1`],
  );
});

test('removed segments are found: head, middle, tail', async (context) => {
  for (const [name, kinds] of [
    [first, [`head-missing ${second}:1 positions 1 to 20 are missing`]],
    [
      second,
      [
        `position-gap ${third}:1 positions 21 to 40 are missing`,
        `record-missing ${third}:1 records 21 to 40 of worker w1 never came`,
      ],
    ],
    [third, ['tail-missing checkpoint.json: positions 41 to 60 are missing: the chain was longer']],
  ] as const) {
    const bench = await chainOfThree(context);
    rmSync(join(bench.audit, name));
    assert.deepEqual(await found(bench), kinds);
  }
});

test('an end that was cut off is found, between blocks and within one', async (context) => {
  const bench = await chainOfThree(context);
  const whole = linesIn(join(bench.audit, third));
  edit(bench, third, () => whole.slice(0, 11));
  assert.deepEqual(await found(bench), [
    'tail-missing checkpoint.json: positions 51 to 60 are missing: the chain was longer',
  ]);
  edit(bench, third, () => whole.slice(0, 14));
  assert.deepEqual(await found(bench), [
    `block-unsealed ${third}:12 no seal follows the last 3 lines: a write was cut off, or is under way`,
    'tail-missing checkpoint.json: positions 51 to 60 are missing: the chain was longer',
  ]);
  edit(bench, third, () => whole);
  edit(bench, second, (lines) => [...lines, lines[20] as string]);
  assert.deepEqual(await found(bench), [
    `block-unsealed ${second}:23 no seal follows the last line: a write was cut off, or is under way`,
  ]);
});

test('a tail made anew up to the checkpoint is another than the one it names; without a checkpoint it is said', async (context) => {
  const bench = await chainOfThree(context);
  edit(bench, third, (lines) => [
    ...lines.slice(0, 11),
    ...resealed(lines.slice(11).with(9, (lines[20] as string).replace('alice', 'mallo'))),
  ]);
  assert.deepEqual(await found(bench), [
    `checkpoint-differs ${third}:22 the block of events 51 to 60 is not the one that checkpoint.json names`,
  ]);
  rmSync(join(bench.audit, 'checkpoint.json'));
  assert.deepEqual(await found(bench), [
    'checkpoint-missing checkpoint.json: without it a tail that was cut off is not seen',
  ]);
  writeFileSync(join(bench.audit, 'checkpoint.json'), '{');
  assert.match((await found(bench))[0] as string, /^checkpoint-unreadable checkpoint.json/);
});

test('a lost record is told with its worker and number; late ones are not lost', async (context) => {
  const bench = auditBench(context);
  const line = (sequence: number): string => spoolText('haproxy-w1-1.spool', sequence, sequence);
  bench.raw('haproxy-w1-1.spool', [2, 1, 3, 6, 5, 9, 9].map(line).join(''));
  await (await bench.start()).stop();
  const { findings } = await verifyAudit(bench.audit);
  assert.deepEqual(
    findings.map(({ kind, line: at, message }) => `${kind} ${at} ${message}`),
    [
      'record-repeated 7 record 9 of worker w1 is there twice',
      'record-missing 4 record 4 of worker w1 never came',
      'record-missing 6 records 7 to 8 of worker w1 never came',
    ],
  );
});

test('a block without its seal is a warning at the end of the chain: a writer may be at it', async (context) => {
  const bench = await chainOfThree(context);
  const path = join(bench.audit, third);
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"kind":"call"`);
  const { intact, findings } = await verifyAudit(bench.audit);
  assert.deepEqual([intact, findings[0]?.kind, findings[0]?.line], [true, 'block-unsealed', 23]);
});

test('an empty directory is an empty chain', async (context) => {
  const bench = auditBench(context);
  const { intact, events, lastHash } = await verifyAudit(bench.spool);
  assert.deepEqual([intact, events, lastHash], [true, 0, '0'.repeat(64)]);
});

test('a call that was opened and not closed is a warning: the chain holds, and says what it does not know', async (context) => {
  const bench = auditBench(context);
  const writer = await bench.start();
  const [first, second, third] = [1, 2, 3].map((sequence) => exampleRecord(sequence)) as [Told, Told, Told];
  const core = spoolCore(first.core);
  const timing = { totalMs: 2500 };
  const open = (record: Told): void => bench.raw('embedded-w1-1.spool', openedLine({ ...record, traceId: null }, core));
  for (const record of [first, second, third]) open(record);
  await writer.flush();
  assert.equal(writer.status().unclosed, 3);
  for (const record of [first, third])
    bench.raw('embedded-w1-1.spool', encodeSpoolLine({ ...record, timing, sequence: record === first ? 1 : 2 }));
  await writer.stop();
  assert.equal(writer.status().unclosed, 1);
  const { intact, unclosed, calls, findings } = await verifyAudit(bench.audit);
  assert.deepEqual([intact, unclosed, calls], [true, 1, 2]);
  const said = 'call w1-2 of worker w1, opened at 2026-11-21T10:02:11.123Z: no end is recorded';
  assert.deepEqual(
    findings.map(({ kind, severity, line, message }) => [kind, severity, line, message.split(';')[0]]),
    [['calls-unclosed', 'warning', 2, said]],
  );
});
