import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { UnclosedCalls } from './unclosed.ts';

const record = (sequence: number, worker = 'w1') => ({
  ...exampleRecord(sequence, {}, worker),
  timing: { totalMs: 3000 },
});
const place = (line: number) => ({ file: 'a.ndjson', line });

test('what was opened and not closed is told of, by worker, at the first of them', () => {
  const calls = new UnclosedCalls();
  for (const sequence of [1, 2, 3]) calls.opened(record(sequence), place(sequence));
  calls.opened(record(9, 'w2'), place(9));
  calls.closed(record(1));
  assert.equal(calls.count, 3);
  const since = '2026-11-21T10:02:11.123Z';
  const end = 'no end is recorded; open still, or the worker went down';
  assert.deepEqual(calls.findings(), [
    { message: `call w1-2 and 1 more of worker w1, opened from ${since} on: ${end}`, ...place(2) },
    { message: `call w2-9 of worker w2, opened at ${since}: ${end}`, ...place(9) },
  ]);
});

test('an end that is chained before the word of its opening closes it all the same', () => {
  const calls = new UnclosedCalls();
  calls.closed(record(1));
  calls.opened(record(1), place(2));
  assert.equal(calls.count, 0);
});

test('where the chain says that the process was killed, that is why', () => {
  const calls = new UnclosedCalls();
  calls.opened({ ...record(1), worker: 'ab12.1.2' }, place(1));
  calls.killed('ab12.1');
  assert.match(
    calls.findings()[0]?.message ?? '',
    /: no end is recorded; it was under way when the process went down$/,
  );
});
