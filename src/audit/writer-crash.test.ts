import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditBench, auditBench, callNames } from '../../test/support/audit-bench.ts';
import { verifyAudit } from './verify.ts';

/** A writer in a process of its own. It says `ready`, then whatever its status becomes. */
const program = `
  import { createSpoolLineParser, startAuditWriter } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
  const [spoolDirectory, directory] = process.argv.slice(1);
  const writer = await startAuditWriter({
    spoolDirectory, directory, parse: createSpoolLineParser(), clock: { now: () => Date.now() },
    log: (line) => console.log(line),
    bounds: { pollMs: 1, fsyncIntervalMs: 15, segmentBytesMax: 300_000 },
  });
  console.log('ready');
`;

function startChild(context: TestContext, bench: AuditBench, shell = ''): ChildProcess {
  const node = [process.execPath, '--input-type=module', '-e', program, bench.spool, bench.audit];
  const child = spawn('sh', ['-c', `${shell} exec "$@"`, 'sh', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

async function said(child: ChildProcess, text: RegExp): Promise<void> {
  for await (const chunk of child.stdout ?? []) if (text.test(String(chunk))) return;
  throw new Error(`the writer ended without saying ${text}`);
}

/** mulberry32: the same delays each run, as far as a scheduler lets them be. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), state | 1);
    return ((mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test('each line is chained exactly once, over 12 kill -9 of a writer at work', { timeout: 60_000 }, async (context) => {
  const bench = auditBench(context);
  const next = random(3);
  const written = { w1: 0, w2: 0 };
  const engine = (worker: 'w1' | 'w2', file: number): void => {
    const from = written[worker] + 1;
    written[worker] += Math.floor(next() * 900);
    bench.append(`embedded-${worker}-${file}.spool`, from, written[worker]);
  };
  for (let kill = 0; kill < 12; kill += 1) {
    const child = startChild(context, bench);
    engine('w1', kill >> 2);
    await said(child, /ready/);
    const ended = once(child, 'exit');
    const stopAt = Date.now() + next() * 60;
    while (Date.now() < stopAt) {
      engine('w1', kill >> 2);
      engine('w2', kill >> 3);
      await sleep(next() * 8);
    }
    child.kill('SIGKILL');
    await ended;
  }
  await (await bench.start()).stop();
  const calls = await bench.chained();
  assert.ok(written.w1 > 5000, `only ${written.w1} lines`);
  for (const worker of ['w1', 'w2'] as const) {
    assert.deepEqual(
      calls.filter((call) => call.startsWith(worker)),
      callNames(worker, 1, written[worker]),
    );
  }
  const verdict = await verifyAudit(bench.audit);
  assert.deepEqual(verdict.findings, []);
  const left = readdirSync(bench.spool).filter((name) => name.endsWith('.spool'));
  assert.deepEqual(left.sort(), ['embedded-w1-2.spool', 'embedded-w2-1.spool']);
});

test('a segment cut anywhere behind the last checkpoint is mended: nothing lost, nothing twice', async (context) => {
  const bench = auditBench(context);
  bench.append('embedded-w1-1.spool', 1, 3);
  const writer = await bench.start({ bounds: { pollMs: 5, fsyncIntervalMs: 1e9 } });
  await writer.flush();
  const name = 'audit-2026-11-21-0000000000000001.ndjson';
  const checkpointed = statSync(join(bench.audit, name)).size;
  bench.append('embedded-w1-1.spool', 4, 6);
  while (writer.status().position < 6) await sleep(2);
  const whole = statSync(join(bench.audit, name)).size;
  // The directories as a crash would leave them: behind the checkpoint, before any sync.
  const { spool, audit } = bench;
  for (let cut = checkpointed; cut <= whole; cut += 37) {
    const copy = auditBench(context);
    const filter = (path: string): boolean => !path.endsWith('writer.lock');
    cpSync(spool, copy.spool, { recursive: true, filter });
    cpSync(audit, copy.audit, { recursive: true, filter });
    truncateSync(join(copy.audit, name), cut);
    await (await copy.start()).stop();
    assert.deepEqual(await copy.chained(), callNames('w1', 1, 6), `cut at ${cut}`);
    assert.equal((await verifyAudit(copy.audit)).found, 0, `cut at ${cut}`);
  }
});

test('a disk that is full is said, nothing is lost, and a start with room goes on', {
  timeout: 30_000,
}, async (context) => {
  const bench = auditBench(context);
  // The kernel refuses to let any file grow past 64 KiB (512-byte blocks): a short write, then an error, as on a full disk.
  const child = startChild(context, bench, 'trap "" XFSZ; ulimit -f 128;');
  const told = said(child, /audit: can't record: EFBIG/);
  bench.append('embedded-w1-1.spool', 1, 200);
  await told;
  const name = readdirSync(bench.audit).find((file) => file.endsWith('.ndjson')) as string;
  assert.equal(statSync(join(bench.audit, name)).size, 0, 'what was half written is taken back');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  await (await bench.start()).stop();
  assert.deepEqual(await bench.chained(), callNames('w1', 1, 200));
  assert.equal((await verifyAudit(bench.audit)).found, 0);
});
