import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleCore } from '../../../test/support/audit-records.ts';
import { CoreBooks } from './core-book.ts';
import { openedLogLine, readOpenedLine, withOpened } from './opened-line.ts';

const fields = { worker: 'a1b2', listener: 2, counter: 41, timeMs: 1_795_255_331_123, address: '::ffff:10.0.0.7' };

test('an opened call is read with the core that its number says, as the line that closes it will be', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'opened-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const books = new CoreBooks(directory);
  const { status, traceId: _none, ...core } = exampleCore;
  const number = books.of('a1b2').numberOf(core);
  const traceId = 'ab'.repeat(16);
  const span = `${'cd'.repeat(8)}-01`;
  const line = openedLogLine({ ...fields, trace: `00-${traceId}-${span}`, core: number }).slice(0, -1);
  const opened = {
    requestId: 'a1b2-41',
    timeMs: fields.timeMs,
    worker: 'a1b2.2',
    engine: 'haproxy',
    address: '10.0.0.7',
    core: { traceId, span, ...core },
  };
  assert.deepEqual(readOpenedLine(line, books), { opened });
  const all = withOpened(() => ({ unreadable: 'not ours' }), books);
  assert.deepEqual(all(line), { opened });
  assert.deepEqual(all('x'), { unreadable: 'not ours' });
  const bad = [`${line}\t`, line.replace('a1b2', 'a"b2'), line.replace(/\d+$/, '77'), line.slice(0, -2)];
  for (const text of bad) assert.ok('unreadable' in all(text), text);
});
