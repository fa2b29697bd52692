import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditBench } from '../../test/support/audit-bench.ts';
import { readAudit } from './index.ts';
import type { ReadOptions } from './read.ts';
import type { ChainEvent } from './types.ts';

test('filters: since, caller, model, rule, outcome, id, last', async (context) => {
  const bench = auditBench(context);
  const bob = { identity: 'staff', issuer: 'i', subject: 'bob', id: 'B'.repeat(22), client: null };
  bench.append('embedded-w1-1.spool', 1, 2);
  bench.append('embedded-w1-1.spool', 3, 3, { caller: bob });
  bench.append('embedded-w1-1.spool', 4, 4, { model: 'dialogue' });
  bench.append('embedded-w1-1.spool', 5, 5, { outcome: 'deny', reason: 'no-rule-allows', rule: null, ruleAt: null });
  bench.raw('embedded-w1-1.spool', 'nonsense\n');
  await (await bench.start()).stop();
  const asked = async (options: ReadOptions): Promise<(number | string)[]> => {
    const events: (number | string)[] = [];
    for await (const event of readAudit(bench.audit, options)) {
      events.push(event.kind === 'call' ? event.sequence : event.kind);
    }
    return events;
  };
  assert.deepEqual(await asked({}), [1, 2, 3, 4, 5, 'unreadable']);
  assert.deepEqual(await asked({ caller: 'bob' }), [3]);
  assert.deepEqual(await asked({ caller: 'B'.repeat(22) }), [3]);
  assert.deepEqual(await asked({ model: 'dialogue' }), [4]);
  assert.deepEqual(await asked({ outcome: 'deny' }), [5]);
  assert.deepEqual(await asked({ rule: 'finance scores with its own models', caller: 'alice' }), [1, 2, 4]);
  assert.deepEqual(await asked({ requestId: 'w1-2' }), [2]);
  assert.deepEqual(await asked({ last: 2 }), [5, 'unreadable']);
  assert.deepEqual(await asked({ sinceMs: bench.clock.nowMs }), ['unreadable']);
});

test('since passes over whole days', async (context) => {
  const bench = auditBench(context);
  const writer = await bench.start();
  for (let day = 1; day <= 4; day += 1) {
    bench.raw('embedded-w1-1.spool', 'nonsense\n');
    await writer.flush();
    bench.clock.nowMs += 86_400_000;
  }
  await writer.stop();
  const positions: number[] = [];
  const sinceMs = bench.clock.nowMs - 2 * 86_400_000;
  for await (const { position } of readAudit(bench.audit, { sinceMs })) positions.push(position);
  assert.deepEqual(positions, [3, 4]);
});

test('following goes on over rotations, gives each event once, and ends when told', {
  timeout: 20_000,
}, async (context) => {
  const bench = auditBench(context);
  const writer = await bench.start({ bounds: { pollMs: 1, segmentBytesMax: 3000 } });
  const abort = new AbortController();
  const seen: ChainEvent[] = [];
  const reading = (async () => {
    for await (const event of readAudit(bench.audit, { follow: true, signal: abort.signal })) {
      seen.push(event);
      if (event.position === 40) abort.abort();
    }
  })();
  for (let from = 1; from <= 40; from += 4) {
    bench.append('embedded-w1-1.spool', from, from + 3);
    await writer.flush();
  }
  await reading;
  assert.deepEqual(
    seen.map(({ position }) => position),
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  await writer.stop();
});
