import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { callBody, firstPrevious, LineBuffer, readChainLine } from './chain-line.ts';
import { createSpoolLineParser, encodeSpoolLine, parseSpoolLine, spoolCore, spoolLine } from './spool-line.ts';
import type { ParsedRecord } from './types.ts';

const seed = 20261121;

function parsed(line: string): ParsedRecord {
  const record = parseSpoolLine(line);
  assert.ok(!('unreadable' in record), JSON.stringify(record));
  return record;
}

/** Its members alone, as plain data. */
function stripped(record: ParsedRecord): object {
  const { requestId, timeMs, worker, sequence, engine, address, core, timing } = record;
  return { requestId, timeMs, worker, sequence, engine, address, core, timing };
}

test('a record comes back as it went', () => {
  const record = exampleRecord(7, { traceId: 'ab'.repeat(16) });
  const line = encodeSpoolLine(record);
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(stripped(parsed(line.slice(0, -1))), record);
});

test('what is not known stays absent', () => {
  const record = { ...exampleRecord(1, { caller: null, status: 0 }), timing: { totalMs: 0.5 } };
  assert.deepEqual(stripped(parsed(encodeSpoolLine(record).slice(0, -1))), record);
});

test('no text of a caller can forge a field or a line, and the text for the chain is JSON of the record', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(
    fc.property(text, text, text, fc.nat(), (path, subject, method, sequence) => {
      const caller = { identity: 'staff', issuer: 'i', subject, id: 'x', client: null };
      const record = exampleRecord(sequence + 1, { path, method, caller });
      const line = encodeSpoolLine(record);
      assert.equal(line.indexOf('\n'), line.length - 1);
      const back = parsed(line.slice(0, -1));
      assert.deepEqual(stripped(back), record);
      assert.deepEqual(JSON.parse(`{${back.head}${Buffer.from(back.coreTail ?? [])}}`), record);
    }),
    { seed },
  );
});

test("the parser's own text and the writer's are one", () => {
  const record = exampleRecord(3);
  const place = { position: 1, previous: firstPrevious, spool: 'embedded-w1-1.spool', end: 10 };
  const lines = [parsed(encodeSpoolLine(record).slice(0, -1)), record].map((each) => {
    const out = new LineBuffer(64);
    out.add(callBody(each, place));
    return out.bytes.toString();
  });
  assert.equal(lines[0], lines[1]);
});

test('any cut or changed line is unreadable, not wrong', () => {
  const line = encodeSpoolLine(exampleRecord(1)).slice(0, -1);
  for (let length = 0; length < line.length; length += 1) {
    assert.ok('unreadable' in parseSpoolLine(line.slice(0, length)), `cut at ${length}`);
  }
  const bad = [
    '',
    'nonsense',
    `${line}x`,
    line.replace('alice', 'mallo'),
    line.replace('"status":200', '"status":2OO'),
    `x${line}`,
  ];
  for (const text of bad) assert.ok('unreadable' in parseSpoolLine(text), text);
});

test('a remembered core is taken only where the text is the same to the letter', () => {
  const parse = createSpoolLineParser();
  const first = encodeSpoolLine(exampleRecord(1)).slice(0, -1);
  const forged = first.replace('alice', 'mallo');
  assert.ok(!('unreadable' in parse(first)));
  assert.ok('unreadable' in parse(forged));
  assert.ok('unreadable' in parse(`${first} `));
});

test('one static part serves many calls', () => {
  const core = spoolCore(exampleRecord(1).core);
  const call = { requestId: 'r', timeMs: 1, worker: 'w', address: '::1', status: 429, traceId: null, totalMs: 1.23456 };
  const back = parsed(spoolLine({ ...call, sequence: 9 }, core).slice(0, -1));
  assert.equal(back.core.status, 429);
  assert.equal(back.timing.totalMs, 1.235);
  assert.equal(back.address, '::1');
});

test('a line of the chain tells when a byte of it was changed', () => {
  const out = new LineBuffer(64);
  const place = { position: 1, previous: firstPrevious, spool: 's.spool', end: 1 };
  const hash = out.add(callBody(exampleRecord(1), place));
  const text = out.bytes.toString().slice(0, -1);
  const read = readChainLine(text);
  assert.ok(read.event !== undefined && read.intact);
  assert.equal(read.event.hash, hash);
  const changed = readChainLine(text.replace('alice', 'mallo'));
  assert.ok(changed.event !== undefined && !changed.intact);
});
