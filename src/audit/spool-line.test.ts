import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { chainLines } from './batch.ts';
import { Block } from './block.ts';
import { encodeSpoolLine, spoolCore, spoolLine } from './spool-line.ts';
import { createSpoolLineParser, parseSpoolLine } from './spool-parser.ts';
import type { ParsedRecord, SpoolReader } from './types.ts';

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
      assert.deepEqual(JSON.parse(chained(line)[0] as string), { kind: 'call', ...record });
    }),
    { seed },
  );
});

/** Lines of the chain that a spool's text leads to, without the seal. */
function chained(text: string, parse: SpoolReader = createSpoolLineParser()): string[] {
  const place = { spool: 'embedded-w1-1.spool', start: 0, position: 0, hash: '', nowMs: 0, block: new Block() };
  return chainLines(Buffer.from(text), parse, place).bytes.toString().split('\n').slice(0, -2);
}

test('read as bytes, as text, or made from a record without memory: one line of the chain', () => {
  const timings = [
    { totalMs: 1 },
    { totalMs: 0.257, bytesIn: 0 },
    { totalMs: 9, gateMs: 3.125, connectMs: 1 },
    exampleRecord(1).timing,
    { ...exampleRecord(1).timing, grpcStatus: 14 },
    { ...exampleRecord(1).timing, queueMs: 12.345 },
    { totalMs: 3, grpcStatus: 0, queueMs: 1, leader: '0123456789ab-7' },
    { ...exampleRecord(1).timing, tries: 2 },
    { ...exampleRecord(1).timing, grpcStatus: 0, queueMs: 3, tries: 3, leader: '0123456789ab-8' },
    { ...exampleRecord(1).timing, grpcStatus: 0, messagesIn: 1, messagesOut: 4711, firstMs: 3.125 },
    { totalMs: 7_200_000, messagesIn: 0, messagesOut: 0 },
    { totalMs: 7, messagesIn: 3 },
  ];
  const traceId = 'ab'.repeat(16);
  const traces = [{ traceId: null }, { traceId }, { traceId, span: `${'cd'.repeat(8)}-01` }];
  const records = timings.flatMap((timing, at) =>
    traces.map((trace, of) => ({ ...exampleRecord(3 * at + of + 1, trace), timing })),
  );
  const text = records.map(encodeSpoolLine).join('');
  const whole = createSpoolLineParser();
  const told: number[] = [];
  const plain = whole.plain as NonNullable<typeof whole.plain>;
  const counting = {
    read: (...line: Parameters<typeof plain.read>) => told[told.push(plain.read(...line)) - 1] as number,
  };
  const quick = Object.assign((line: string) => whole(line), { plain: Object.setPrototypeOf(counting, plain) });
  const lines = chained(text, quick);
  assert.equal(told.filter((end) => end > 0).length, records.length - 1, 'all but the first, whose core was not known');
  assert.deepEqual(
    lines,
    chained(
      text,
      Object.assign((line: string) => whole(line)),
    ),
  );
  assert.deepEqual(
    lines,
    chained(text, (line) => ({ ...stripped(parsed(line)) }) as ParsedRecord),
  );
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    records.map((record) => ({ kind: 'call', ...record })),
  );
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
  const parse = createSpoolLineParser();
  chained(`${line}\n`, parse);
  for (const text of bad) assert.match(chained(`${text}\n`, parse)[0] as string, /^{"kind":"unreadable"/, text);
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
