import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { chainLines } from '../../audit/batch.ts';
import { Block } from '../../audit/block.ts';
import type { ParsedRecord, SpoolParser, StaticCore } from '../../audit/index.ts';
import { CoreBook, CoreBooks, spoolName } from './core-book.ts';
import { Endings } from './endings.ts';
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
  versionName: null,
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
  endpointHost: '7F000001',
  endpointPort: '8501',
  termination: '--',
  tries: '0',
  grpc: '-',
  listener: '1',
  request: '-',
};

const lineOf = (changes: Partial<Record<LogField, string>> = {}): string =>
  ['g3', 'w.1', ...logFields.map((name) => changes[name] ?? plain[name])].join('\t');

function read(line: string, folder = mkdtempSync(join(tmpdir(), 'hg-cores-'))): ParsedRecord {
  const books = new CoreBooks(folder);
  books.of('w.1').numberOf(core);
  const parse = createLogParser(books, () => ({
    environment: 'dev',
    epoch: 'e',
    listeners: ['public'],
    deadlines: new Set(),
    endings: new Endings(),
  }));
  const record = parse(line);
  rmSync(folder, { recursive: true });
  assert.ok(!('unreadable' in record), JSON.stringify(record));
  return record;
}

test('a line becomes a record, and its text is the same in JSON', () => {
  const { held, ...record } = read(lineOf());
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
  assert.deepEqual(held?.core, core);
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

test('a replica is told as it is listened for, also by lines of earlier versions', () => {
  const endpointOf = (endpointHost: string): string | undefined => read(lineOf({ endpointHost })).timing.endpoint;
  assert.equal(endpointOf('0A0102FF'), '10.1.2.255:8501');
  assert.equal(endpointOf('00000000000000000000000000000001'), '[::1]:8501');
  assert.equal(endpointOf('10.1.2.255'), '10.1.2.255:8501');
  assert.equal(endpointOf('::1'), '[::1]:8501');
  for (const host of ['-', 'unix', '']) assert.equal(endpointOf(host), undefined);
});

test('a caller who left has the status 0, a bad traceparent is none', () => {
  assert.equal(read(lineOf({ status: '-1', termination: 'CH' })).core.status, 0);
  assert.equal(read(lineOf({ trace })).core.traceId, 'a'.repeat(32));
  assert.equal(read(lineOf({ trace: trace.replaceAll('a', '0') })).core.traceId, null);
});

/** Of a process that may hand calls over. */
const handedLine = (carried: string, changes: Partial<Record<LogField, string>> = {}): string => {
  const words = lineOf({ endpointHost: '-', endpointPort: '0', ...changes }).split('\t');
  return ['a3', ...words.slice(1, -1), carried, ...words.slice(-1)].join('\t');
};

test('a call that was handed over says how it was carried', () => {
  const { core: seen, timing } = read(handedLine('-;127.0.0.1:8501;2.5;12.5;2;-;w.1-9'));
  assert.deepEqual(seen, { ...core, status: 200, traceId: null });
  const upstream = { upstreamMs: 2.5, queueMs: 12.5, tries: 2, leader: 'w.1-9', endpoint: '127.0.0.1:8501' };
  assert.deepEqual(timing, { totalMs: 4, connectMs: 0, bytesIn: 527, bytesOut: 149, ...upstream });
  const full = read(handedLine('queue-full;-;-;-;-;-;-', { status: '503' }));
  assert.deepEqual([full.core.reason, full.core.outcome, full.core.grpcStatus], ['queue-full', 'deny', null]);
  assert.equal(full.timing.endpoint, undefined);
  const grpc = read(handedLine('deadline-exceeded;127.0.0.1:8500;-;-;-;-;-', { grpc: '1' }));
  assert.deepEqual([grpc.core.reason, grpc.core.grpcStatus], ['deadline-exceeded', 4]);
});

test('a line of such a process that says nothing of it is as any other, but the assisting side is no replica', () => {
  const ordinary = handedLine('-', { endpointHost: '7F000001', endpointPort: '8501' });
  assert.deepEqual(read(ordinary), read(lineOf()));
  assert.equal(read(handedLine('-', { status: '503', termination: 'SC' })).timing.endpoint, undefined);
  assert.equal(read(handedLine('-', { status: '400', termination: 'CH' })).core.status, 0);
  const { quick, careful, plain } = chainedOf([
    ordinary,
    ordinary,
    handedLine('-;127.0.0.1:8501;2.5;-;-;-;-'),
    handedLine('no such thing'),
    handedLine('-;";-;-;-;-;-'),
  ]);
  assert.deepEqual(quick, careful);
  assert.equal(plain, 2);
});

/** What the chain holds of lines, by the parser as it is, and by its careful way alone; and how many were read as bytes. */
function chainedOf(lines: readonly string[]): { quick: string[]; careful: string[]; plain: number } {
  const folder = mkdtempSync(join(tmpdir(), 'hg-cores-'));
  const books = new CoreBooks(folder);
  for (const outcome of ['allow', 'deny'] as const) books.of('w.1').numberOf({ ...core, path: '/ä"\t', outcome });
  const parse = createLogParser(books, () => ({
    environment: 'dev',
    epoch: 'e',
    listeners: ['public'],
    deadlines: new Set(),
    endings: new Endings(),
  }));
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const out = Buffer.alloc(10_000);
  const plain = parse.plain as NonNullable<typeof parse.plain>;
  let [count, from] = [0, 0];
  for (const line of lines) {
    if (plain.read(bytes, from, out, 0) > 0) {
      count += 1;
      assert.equal(plain.next, from + Buffer.byteLength(line) + 1);
    }
    from += Buffer.byteLength(line) + 1;
  }
  const place = { spool: 's', start: 0, position: 0, hash: '', nowMs: 0, block: new Block() };
  const textOf = (by: SpoolParser): string[] => chainLines(bytes, by, place).bytes.toString().split('\n').slice(0, -2);
  const found = { quick: textOf(parse), careful: textOf((line) => parse(line)), plain: count };
  rmSync(folder, { recursive: true });
  return found;
}

const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

test('lines of decided calls are read as bytes, to the letter as the careful way reads them', () => {
  const lines = [
    {},
    { sequence: '99999', askedCore: '1', keptCore: '-', request: 'GET /x?y=1' },
    { sequence: '9' },
    { sequence: '2099' },
    { trace, address: '::ffff:10.0.0.1' },
    { address: '2001:db8::1', connectMs: '-1', upstreamMs: '-1', endpointHost: 'C0A80A64' },
    { keptCore: '2', status: '403', termination: 'LR', endpointHost: '-', endpointPort: '-' },
    { request: '' },
  ].map(lineOf);
  const { quick, careful, plain } = chainedOf(lines);
  assert.deepEqual(quick, careful);
  assert.equal(plain, lines.length - 2, 'all but those whose sequence gets a digit more');
});

test('what is odd is left to the careful way', () => {
  const lines = [
    { status: '-1', termination: 'CD' },
    { status: '503', termination: 'SC' },
    { status: '429', termination: 'LR' },
    { keptCore: '-' },
    { keptCore: '9' },
    { totalMs: '-1' },
    { timeMs: '0' },
    { status: '20' },
    { trace: trace.replaceAll('a', '0') },
    { trace: trace.replaceAll('b', '0') },
    { trace: trace.replace('00-', '01-') },
    { endpointHost: '::1' },
    { endpointHost: '127.0.0.1' },
    { endpointHost: '7f000001' },
    { endpointHost: '00000000000000000000000000000001' },
    { bytesIn: '012' },
    { bytesOut: '1234567890123456' },
    { address: '' },
    { address: '1"' },
    { termination: '-"' },
  ].map(lineOf);
  const { quick, careful, plain } = chainedOf([
    ...lines,
    '',
    'g3',
    lineOf().replace('g3', 'g2'),
    `${lineOf()}\t`,
    lineOf().slice(0, -3),
  ]);
  assert.deepEqual(quick, careful);
  assert.equal(plain, 0);
  for (const line of quick) assert.doesNotThrow(() => JSON.parse(line));
});

test('any line gives a record or says what it is not, the same both ways', () => {
  const hostile = fc.constantFrom(
    '"',
    '\\',
    '\t',
    '\r',
    '\0',
    '{',
    '}',
    ',',
    '-',
    '-1',
    '0',
    '00',
    ' ',
    'é',
    '\u2028',
    '1e9',
    '0x1',
  );
  const texts = fc.oneof(
    fc.string(),
    hostile,
    fc.nat().map(String),
    fc.tuple(hostile, fc.nat().map(String)).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(texts, fc.constantFrom(...logFields)), { minLength: 1, maxLength: 3 }), (changes) => {
      const fields = Object.fromEntries(changes.map(([text, name]) => [name, text.replaceAll('\n', '')]));
      const { quick, careful } = chainedOf([lineOf(fields)]);
      assert.deepEqual(quick, careful);
      const { kind, core: told } = JSON.parse(quick[0] as string);
      if (kind === 'call') assert.equal(told.epoch.length > 0, true);
    }),
    { seed: 20261121, numRuns: 1000 },
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
