import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyActText, keyLine, parseKeyLine } from './key-line.ts';
import type { KeyAct } from './types.ts';

const done: KeyAct = {
  ...{ timeMs: 1_790_000_000_000, change: 7, act: 'rotated', keyId: '0'.repeat(22), name: 'batch-scorer' },
  ...{ owner: 'finance\n"leads"', by: 'alice', endsMs: 1_790_000_600_000 },
};

test('an act on a key is one line, whatever its owner is called', () => {
  const line = keyLine(done);
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(parseKeyLine(line.slice(0, -1)), { key: done });
});

test('another line is unreadable', () => {
  const line = keyLine(done).slice(0, -1);
  const others = [
    line.slice(1),
    line.slice(0, -1),
    line.replace('rotated', 'sold'),
    line.replace('"alice"', '7'),
    'k1\tnull',
  ];
  for (const other of others) assert.ok('unreadable' in parseKeyLine(other), other);
});

test('an act is told as a sentence', () => {
  const named = { ...done, owner: 'finance-leads' };
  const texts = (['created', 'rotated', 'revoked'] as const).map((act) => keyActText({ ...named, act }));
  assert.deepEqual(texts, [
    'alice created the API key batch-scorer of finance-leads (id 0000000000000000000000), good until 2026-09-21T14:23:20.000Z',
    'alice rotated the API key batch-scorer of finance-leads: the new one has id 0000000000000000000000, the one before it ends at 2026-09-21T14:23:20.000Z',
    'alice revoked the API key batch-scorer of finance-leads (id 0000000000000000000000)',
  ]);
});
