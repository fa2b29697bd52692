import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger, recordsMax } from './ledger.ts';

function started(): { ledger: Ledger; orders: string[] } {
  const orders: string[] = [];
  const ledger = new Ledger(
    { clear: (half) => orders.push(`clear ${half}`), add: (half, number) => orders.push(`add ${half} ${number}`) },
    0,
  );
  return { ledger, orders };
}

test('a record has one number, whose last bit is its map', () => {
  const { ledger, orders } = started();
  const number = ledger.recordNumber('a', 'ann', 1);
  assert.equal(ledger.recordNumber('a', 'ann', 2), number);
  assert.notEqual(ledger.recordNumber('b', 'ann', 2), number);
  assert.deepEqual(orders, ['add 0 2', 'add 0 4']);
});

test('a map is emptied once nothing that is kept can refer to it', () => {
  const { ledger, orders } = started();
  ledger.recordNumber('a', 'ann', 1);
  ledger.recordNumber('a', 'ann', 330_000);
  assert.deepEqual(orders, ['add 0 2', 'clear 1', 'add 1 5']);
  ledger.recordNumber('a', 'ann', 660_000);
  assert.deepEqual(orders.slice(3), ['clear 0', 'add 0 6']);
});

test('revoking gives the numbers of both generations, and forgets them', () => {
  const { ledger } = started();
  ledger.recordNumber('a', 'ann', 1);
  ledger.recordNumber('b', 'bob', 1);
  ledger.recordNumber('a', 'ann', 330_000);
  assert.deepEqual(ledger.revoke(['ann']).sort(), [2, 7]);
  assert.deepEqual(ledger.revoke(['ann']), []);
  assert.notEqual(ledger.recordNumber('a', 'ann', 330_001), 7);
});

test('records are bounded: what is over has no number', () => {
  const { ledger } = started();
  for (let index = 0; index < recordsMax; index += 1) ledger.recordNumber(String(index), undefined, 1);
  assert.equal(ledger.recordNumber('one more', undefined, 1), undefined);
  assert.equal(ledger.size, recordsMax);
});

test('a counter belongs to a rule, a limit and a caller', () => {
  const { ledger } = started();
  const number = ledger.counterNumber(['r', 0, 'ann']);
  assert.equal(ledger.counterNumber(['r', 0, 'ann']), number);
  for (const owner of [
    ['r', 0, 'bob'],
    ['r', 1, 'ann'],
    ['s', 0, 'ann'],
  ])
    assert.notEqual(ledger.counterNumber(owner), number);
});
