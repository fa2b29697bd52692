import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { StaticCore } from '../../audit/index.ts';
import { CoreBook } from './core-book.ts';

const folder = mkdtempSync(join(tmpdir(), 'hg-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const core = (path: string): StaticCore => ({
  environment: 'prod',
  listener: 'public',
  method: 'GET',
  path,
  service: null,
  operation: null,
  action: null,
  resource: null,
  model: null,
  version: null,
  caller: null,
  outcome: 'deny',
  reason: 'operation-unknown',
  rule: null,
  ruleAt: null,
  epoch: 'e',
  grpcStatus: null,
});

test('memory is bounded however many paths are asked for, and every core is still found', () => {
  const book = new CoreBook(folder, 'w.1', 100);
  const count = 2500;
  for (let index = 1; index <= count; index += 1) assert.equal(book.numberOf(core(`/ä/${index}`)), index);
  assert.ok(book.held <= 200, `${book.held} cores are held`);
  const again = new CoreBook(folder, 'w.1', 100);
  for (const each of [book, again]) {
    assert.equal(each.size, count);
    for (let number = 1; number <= count; number += 7) assert.equal(each.at(number)?.core.path, `/ä/${number}`);
    assert.equal(each.at(count)?.core.path, `/ä/${count}`);
    for (const number of [0, -1, count + 1, 1.5, Number.NaN]) assert.equal(each.at(number), undefined);
    assert.ok(each.held <= 200);
  }
});

test('what is used stays held; what fell out gets another number', () => {
  const book = new CoreBook(folder, 'w.2', 10);
  const first = book.numberOf(core('/often'));
  for (let index = 0; index < 100; index += 1) {
    book.numberOf(core(`/${index}`));
    assert.equal(book.numberOf(core('/often')), first);
  }
  const { size } = book;
  assert.equal(book.numberOf(core('/0')), size + 1);
});

test('a line without its end is cut off, and its number is free', () => {
  const book = new CoreBook(folder, 'w.3');
  book.numberOf(core('/a'));
  appendFileSync(join(folder, 'haproxy-w.3.cores'), '2\t{"half');
  const again = new CoreBook(folder, 'w.3');
  assert.equal(again.numberOf(core('/b')), 2);
  assert.equal(new CoreBook(folder, 'w.3').at(2)?.core.path, '/b');
});
