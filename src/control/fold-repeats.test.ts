import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldRepeats } from './fold-repeats.ts';

test('a line is said once in ten seconds, with how often it came', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = foldRepeats((line) => lines.push(line), { now: () => nowMs });
  for (nowMs = 0; nowMs <= 10_000; nowMs += 1000) log('disk full');
  log('another');
  log('another');
  assert.deepEqual(lines, ['disk full', 'disk full (9 times more since then)', 'another']);
});

test('it remembers a bounded number of lines', () => {
  const lines: string[] = [];
  const log = foldRepeats((line) => lines.push(line), { now: () => 0 });
  for (let index = 0; index <= 100; index += 1) log(`line ${index}`);
  log('line 0');
  log('line 100');
  assert.equal(lines.length, 102);
});
