import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnrecordedCalls } from './types.ts';
import { unrecordedText } from './unrecorded.ts';

const found: UnrecordedCalls = {
  timeMs: 5000,
  engine: 'haproxy',
  worker: 'ab12.1',
  listeners: ['public'],
  calls: 1,
  cause: 'no-answer',
  sinceMs: 1000,
  untilMs: 3000,
};

test('what an operator reads of calls that left no line', () => {
  const between = 'between 00:00:01.000 and 00:00:03.000';
  assert.equal(
    unrecordedText(found),
    `1 call on listener public ended ${between} without a line: a replica closed the connection without answering`,
  );
  assert.equal(
    unrecordedText({ ...found, calls: 2, listeners: ['public', 'internal'], cause: 'cut' }),
    `2 calls on listener public or internal may have left no line ${between}: under way when haproxy ab12.1 was ended`,
  );
  assert.equal(
    unrecordedText({ ...found, calls: null, cause: 'killed' }),
    `haproxy ab12.1 went down ${between}: which calls ended then without a line can't be known`,
  );
});
