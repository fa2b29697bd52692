import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSpoolLine, spoolCore } from '../../audit/index.ts';
import { Spool } from './spool.ts';

const core = spoolCore({
  environment: 'test',
  listener: 'public',
  method: 'GET',
  path: '/ä\t\n',
  service: null,
  operation: null,
  action: null,
  resource: null,
  model: null,
  version: null,
  caller: null,
  outcome: 'deny',
  reason: 'route-unknown',
  rule: null,
  ruleAt: null,
  epoch: 'e',
  grpcStatus: null,
});
const call = (requestId: string) => ({
  requestId,
  timeMs: 1,
  address: '127.0.0.1',
  status: 404,
  traceId: null,
  totalMs: 1.5,
});

/** At most 100 bytes at a time, as a disk may. */
function writeSome(file: number, bytes: Buffer, at: number): number {
  return writeSync(file, bytes, at, Math.min(100, bytes.length - at));
}

async function withFolder(then: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hg-spool-'));
  try {
    await then(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function linesOf(folder: string): string[] {
  const files = readdirSync(folder).sort((a, b) => Number(a.split(/[-.]/)[2]) - Number(b.split(/[-.]/)[2]));
  return files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
}

test('lines of one turn are written together, before anybody is told', () =>
  withFolder(async (directory) => {
    const spool = new Spool({ directory, worker: 'w', log: () => undefined });
    const told: string[] = [];
    for (const id of ['a', 'b', 'c']) {
      spool.add(call(id), core, {
        recorded: (written) => told.push(`${id} ${written} ${linesOf(directory).length}`),
      });
    }
    assert.deepEqual([told, linesOf(directory)], [[], []]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(told, ['a true 3', 'b true 3', 'c true 3']);
    spool.close();
  }));

test('files are rotated, lines are whole and counted from 1', () =>
  withFolder(async (directory) => {
    const spool = new Spool({ directory, worker: 'w', log: () => undefined, fileBytesMax: 300 });
    for (let turn = 0; turn < 20; turn += 1) {
      spool.add(call(`r${turn}`), core, { recorded: () => undefined });
      spool.flush();
    }
    spool.close();
    assert.ok(readdirSync(directory).length > 5);
    const records = linesOf(directory).map((line) => parseSpoolLine(line));
    assert.deepEqual(
      records.map((record) => ('sequence' in record ? [record.sequence, record.worker, record.core.path] : record)),
      records.map((_one, index) => [index + 1, 'w', '/ä\t\n']),
    );
  }));

test('a disk that takes nothing is told of; lines are held and written once it does', () =>
  withFolder(async (directory) => {
    let isFull = true;
    const log: string[] = [];
    const write = (file: number, bytes: Buffer, at: number): number => {
      if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      return writeSome(file, bytes, at);
    };
    const spool = new Spool({ directory, worker: 'w', log: (line) => log.push(line), write });
    const told: boolean[] = [];
    spool.add(call('a'), core, { recorded: (written) => told.push(written) });
    spool.flush();
    spool.add(call('b'), core, { recorded: (written) => told.push(written) });
    spool.flush();
    assert.deepEqual([told, spool.isFailing, linesOf(directory).length], [[false, false], true, 0]);
    isFull = false;
    while (spool.isFailing) await new Promise((resolve) => setTimeout(resolve, 10));
    spool.add(call('c'), core, { recorded: (written) => told.push(written) });
    spool.flush();
    assert.deepEqual([told.at(-1), linesOf(directory).length, log.length], [true, 3, 2]);
    spool.close();
  }));

test('held lines are bounded: what is over is lost, and the count shows it', () =>
  withFolder(async (directory) => {
    let isFull = true;
    const write = (file: number, bytes: Buffer, at: number): number => {
      if (isFull) throw new Error('no space left');
      return writeSome(file, bytes, at);
    };
    const spool = new Spool({ directory, worker: 'w', log: () => undefined, write, heldBytesMax: 700 });
    for (let turn = 0; turn < 10; turn += 1) {
      spool.add(call(`r${turn}`), core, { recorded: () => undefined });
      spool.flush();
    }
    isFull = false;
    while (spool.isFailing) await new Promise((resolve) => setTimeout(resolve, 10));
    spool.add(call('last'), core, { recorded: () => undefined });
    spool.close();
    const sequences = linesOf(directory).map((line) => {
      const record = parseSpoolLine(line);
      return 'sequence' in record ? record.sequence : Number.NaN;
    });
    assert.ok(sequences.length < 10 && sequences.at(-1) === 11, `${sequences}`);
  }));
