import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AuditBench, auditBench, linesIn, spoolText } from '../../test/support/audit-bench.ts';
import { LineBuffer } from './chain-line.ts';
import { verifyAudit } from './verify.ts';

const names = [1, 21, 41].map((first) => `audit-2026-11-21-${String(first).padStart(16, '0')}.ndjson`);
const [first, second, third] = names as [string, string, string];

/** Three segments of 20 events each, of one worker. */
async function chainOfThree(context: TestContext): Promise<AuditBench> {
  const bench = auditBench(context);
  const writer = await bench.start({ bounds: { pollMs: 5, segmentBytesMax: 10_000 } });
  for (const from of [1, 21, 41]) {
    bench.append('embedded-w1-1.spool', from, from + 19);
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

/** The line as a forger would write it who knows how hashes are made. */
function sealed(line: string): string {
  const out = new LineBuffer(10_000);
  const [head = '', rest = ''] = line.split(',"previous":"');
  out.add({ head, shared: new Uint8Array(0), previous: rest.slice(0, 64) });
  return out.bytes.toString().trimEnd();
}

test('a whole chain has no findings; its end is told', async (context) => {
  const bench = await chainOfThree(context);
  const verdict = await verifyAudit(bench.audit);
  const { intact, found: count, segments, events, calls, firstPosition, lastPosition, workers } = verdict;
  assert.deepEqual(
    [intact, count, segments, events, calls, firstPosition, lastPosition, workers],
    [true, 0, 3, 60, 60, 1, 60, 1],
  );
  assert.equal(verdict.lastHash, JSON.parse(linesIn(join(bench.audit, third)).at(-1) as string).hash);
});

test('a changed event is found at its line, also one that was sealed anew', async (context) => {
  const bench = await chainOfThree(context);
  edit(bench, second, (lines) => lines.with(4, (lines[4] as string).replace('alice', 'mallo')));
  assert.deepEqual(await found(bench), [`hash-wrong ${second}:5 event 25 was changed: its hash is another`]);
  edit(bench, second, (lines) => lines.with(4, sealed(lines[4] as string)));
  assert.deepEqual(await found(bench), [`chain-broken ${second}:6 event 26 does not follow the event before it`]);
});

test('removed, added and swapped lines are found', async (context) => {
  const bench = await chainOfThree(context);
  const whole = linesIn(join(bench.audit, second));
  edit(bench, second, (lines) => lines.toSpliced(2, 3));
  assert.deepEqual(await found(bench), [
    `position-gap ${second}:3 positions 23 to 25 are missing`,
    `record-missing ${second}:3 records 23 to 25 of worker w1 never came`,
  ]);
  edit(bench, second, () => whole.toSpliced(3, 0, whole[2] as string));
  assert.deepEqual(await found(bench), [
    `position-repeated ${second}:4 position 23 stands after 23`,
    `record-repeated ${second}:4 record 23 of worker w1 is there twice`,
  ]);
  edit(bench, second, () => whole.toSpliced(3, 0, 'not an event'));
  assert.deepEqual(await found(bench), [`line-unreadable ${second}:4 the line does not end in a hash`]);
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

test('a tail made anew up to the checkpoint is another than the one it names; without a checkpoint it is said', async (context) => {
  const bench = await chainOfThree(context);
  edit(bench, third, (lines) => lines.with(19, sealed((lines[19] as string).replace('alice', 'mallo'))));
  assert.deepEqual(await found(bench), [
    `checkpoint-differs ${third}:20 event 60 is not the one that checkpoint.json names`,
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

test('a line without an end is a warning: a writer may be at it', async (context) => {
  const bench = await chainOfThree(context);
  const path = join(bench.audit, third);
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"format":1`);
  const { intact, findings } = await verifyAudit(bench.audit);
  assert.deepEqual([intact, findings[0]?.kind, findings[0]?.line], [true, 'line-torn', 21]);
});

test('an empty directory is an empty chain', async (context) => {
  const bench = auditBench(context);
  const { intact, events, lastHash } = await verifyAudit(bench.spool);
  assert.deepEqual([intact, events, lastHash], [true, 0, '0'.repeat(64)]);
});
