import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ParsedRecord, StaticCore } from '../../audit/index.ts';
import { CoreBook, CoreBooks, spoolName } from './core-book.ts';
import { type LogField, logFields } from './log-format.ts';
import { createLogParser } from './log-line.ts';

const core: StaticCore = {
  environment: 'dev',
  listener: 'public',
  method: 'POST',
  path: '/v1/models/m:predict',
  service: 'scoring',
  operation: 'predict',
  action: 'predict',
  resource: 'scoring/m',
  model: 'm',
  version: null,
  caller: { identity: 'staff', issuer: 'https://id.example', subject: 'ann', id: 'x', client: null },
  outcome: 'allow',
  reason: 'rule-allows',
  rule: 'leads use m',
  ruleAt: 'headgate.yaml:7',
  epoch: '0123456789abcdef',
  grpcStatus: null,
};

const plain: Record<LogField, string> = {
  sequence: '0',
  timeMs: '1795258906834',
  counter: '3',
  address: '127.0.0.1',
  status: '200',
  askedCore: '-',
  keptCore: '1',
  trace: '-',
  totalMs: '4',
  connectMs: '0',
  upstreamMs: '3',
  bytesIn: '527',
  bytesOut: '149',
  endpointHost: '127.0.0.1',
  endpointPort: '8501',
  termination: '--',
  grpc: '-',
  listener: '1',
  request: '-',
};

const lineOf = (changes: Partial<Record<LogField, string>> = {}): string =>
  ['g1', 'w.1', ...logFields.map((name) => changes[name] ?? plain[name])].join('\t');

function read(line: string, folder = mkdtempSync(join(tmpdir(), 'hg-cores-'))): ParsedRecord {
  const books = new CoreBooks(folder);
  books.of('w.1').numberOf(core);
  const parse = createLogParser(books, () => ({ environment: 'dev', epoch: 'e', listeners: ['public'] }));
  const record = parse(line);
  rmSync(folder, { recursive: true });
  assert.ok(!('unreadable' in record), JSON.stringify(record));
  return record;
}

test('a line becomes a record, and its text is the same in JSON', () => {
  const { head, coreText, coreTail, ...members } = read(lineOf());
  const { requestId, timeMs, worker, sequence, engine, address, core: told, timing } = read(lineOf());
  assert.deepEqual(members.brief, { status: 200, totalMs: 4 });
  const record = { requestId, timeMs, worker, sequence, engine, address, core: told, timing };
  assert.deepEqual(record, {
    requestId: 'w.1-3',
    timeMs: 1795258906834,
    worker: 'w.1.1',
    sequence: 1,
    engine: 'haproxy',
    address: '127.0.0.1',
    core: { ...core, status: 200, traceId: null },
    timing: { totalMs: 4, connectMs: 0, upstreamMs: 3, bytesIn: 527, bytesOut: 149, endpoint: '127.0.0.1:8501' },
  });
  assert.deepEqual(JSON.parse(`{${head}${Buffer.from(coreTail ?? [])}}`), record);
  assert.equal(coreText, JSON.stringify(core));
});

test('what HAProxy refused by itself is told by status and termination', () => {
  const reasonOf = (changes: Partial<Record<LogField, string>>): string => read(lineOf(changes)).core.reason;
  const unasked = { keptCore: '-', request: 'GET /a?secret=1' };
  assert.equal(reasonOf({ status: '429', termination: 'LR' }), 'limit-exceeded');
  assert.equal(reasonOf({ status: '413', termination: 'LR' }), 'body-too-large');
  assert.equal(reasonOf({ status: '429', termination: '--' }), 'rule-allows');
  assert.equal(reasonOf({ status: '503', termination: 'SC' }), 'upstream-unavailable');
  assert.equal(reasonOf({ status: '502', termination: 'SH' }), 'upstream-malformed');
  assert.equal(reasonOf({ status: '504', termination: 'sH' }), 'upstream-timeout');
  assert.equal(reasonOf({ ...unasked, status: '503', termination: 'LR' }), 'gate-unavailable');
  assert.equal(reasonOf({ ...unasked, status: '414', termination: 'LR' }), 'target-too-long');
  assert.equal(reasonOf({ ...unasked, status: '431', termination: 'LR' }), 'header-too-large');
  assert.equal(reasonOf({ ...unasked, status: '400', termination: 'PR', request: '-' }), 'request-malformed');
  assert.equal(read(lineOf({ ...unasked, status: '414', termination: 'LR' })).core.path, '/a');
});

test('a caller who left has the status 0, a bad traceparent is none', () => {
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  assert.equal(read(lineOf({ status: '-1', termination: 'CH' })).core.status, 0);
  assert.equal(read(lineOf({ trace })).core.traceId, 'a'.repeat(32));
  assert.equal(read(lineOf({ trace: trace.replaceAll('a', '0') })).core.traceId, null);
});

test('any line gives a record or says what it is not', () => {
  const parse = createLogParser(new CoreBooks(tmpdir()), () => ({ environment: 'd', epoch: 'e', listeners: [] }));
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...logFields), (text, name) => {
      const record = parse(lineOf({ [name]: text }));
      if ('unreadable' in record) assert.ok(record.unreadable.length > 0);
      else assert.doesNotThrow(() => JSON.parse(`{${record.head}${Buffer.from(record.coreTail ?? [])}}`));
    }),
    { seed: 20261121, numRuns: 500 },
  );
});

test('a core is on the disk before its number is given, and a torn line is no core', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-cores-'));
  const book = new CoreBook(folder, 'w.1');
  assert.equal(book.numberOf(core), 1);
  assert.equal(book.numberOf({ ...core }), 1);
  const path = join(folder, 'haproxy-w.1.cores');
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 2);
  writeFileSync(path, '2\t{"environment":"d', { flag: 'a' });
  const again = new CoreBook(folder, 'w.1');
  assert.deepEqual(again.at(1)?.core, core);
  assert.equal(again.size, 1);
  rmSync(folder, { recursive: true });
});

test('a book goes when its spool has gone and its process too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-cores-'));
  const books = new CoreBooks(folder);
  for (const worker of ['a', 'b', 'c']) books.of(worker).numberOf(core);
  writeFileSync(join(folder, spoolName('b')), '');
  books.prune(new Set(['c']));
  assert.equal(books.of('a').size, 0);
  assert.equal(books.of('b').size, 1);
  assert.equal(books.of('c').size, 1);
  rmSync(folder, { recursive: true });
});
