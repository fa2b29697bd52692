import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeptPermit, Ledger, permitsMax, recordCharactersMax } from './ledger.ts';

function started(): { ledger: Ledger; orders: string[] } {
  const orders: string[] = [];
  const ledger = new Ledger(
    {
      turn: (half) => orders.push(`turn ${half}`),
      add: (half, key) => orders.push(`add ${half} ${key}`),
      remove: (half, key) => orders.push(`remove ${half} ${key}`),
    },
    0,
  );
  return { ledger, orders };
}

const permit = (key: string, changes: Partial<KeptPermit> = {}): KeptPermit => ({
  key,
  record: 'r',
  endSeconds: 300,
  subjectId: 'ann',
  ...changes,
});

test('what is kept is added once', () => {
  const { ledger, orders } = started();
  for (const key of ['a', 'a', 'b']) ledger.keep(permit(key), 1);
  assert.deepEqual(orders, ['add 0 a', 'add 0 b']);
  assert.equal(ledger.size, 2);
});

test('a half is emptied when all in it have ended', () => {
  const { ledger, orders } = started();
  ledger.keep(permit('a'), 1);
  ledger.keep(permit('a', { endSeconds: 600 }), 300_001);
  assert.deepEqual(orders, ['add 0 a', 'turn 1', 'add 1 a']);
  ledger.keep(permit('a', { endSeconds: 900 }), 600_001);
  assert.deepEqual(orders.slice(3), ['turn 0', 'add 0 a']);
  assert.equal(ledger.size, 2);
});

test('one that ends early is replaced, a bounded number of times a second', () => {
  const { ledger, orders } = started();
  ledger.keep(permit('a', { endSeconds: 1 }), 1);
  ledger.keep(permit('a', { endSeconds: 2 }), 1000);
  assert.deepEqual(orders, ['add 0 a', 'remove 0 a', 'add 0 a']);
  const keys = Array.from({ length: 1000 }, (_, index) => `k${index}`);
  for (const key of keys) ledger.keep(permit(key, { endSeconds: 3 }), 2000);
  orders.length = 0;
  for (const key of keys) ledger.keep(permit(key, { endSeconds: 4 }), 3000);
  assert.equal(orders.filter((order) => order.startsWith('remove')).length, 200);
});

test('revoking gives the keys of both generations, and forgets them', () => {
  const { ledger, orders } = started();
  ledger.keep(permit('a'), 1);
  ledger.keep(permit('b', { subjectId: 'bob' }), 1);
  ledger.keep(permit('a', { endSeconds: 600 }), 300_001);
  assert.deepEqual(ledger.revoke(['ann']), [
    { half: 0, key: 'a' },
    { half: 1, key: 'a' },
  ]);
  assert.deepEqual(ledger.revoke(['ann']), []);
  ledger.keep(permit('a', { endSeconds: 600 }), 300_002);
  assert.equal(orders.at(-1), 'add 1 a');
});

test('a new epoch leaves nothing behind', () => {
  const { ledger, orders } = started();
  ledger.forget(1);
  assert.deepEqual(orders, []);
  ledger.keep(permit('a'), 1);
  ledger.forget(2);
  assert.deepEqual(orders, ['add 0 a', 'turn 1', 'turn 0']);
  assert.equal(ledger.size, 0);
  assert.deepEqual(ledger.revoke(['ann']), []);
});

test('permits are bounded: what is over is not kept', () => {
  const { ledger } = started();
  for (let index = 0; index <= permitsMax; index += 1) ledger.keep(permit(String(index)), 1);
  assert.equal(ledger.size, permitsMax);
});

test('long records are bounded by their characters', () => {
  const { ledger } = started();
  const record = 'r'.repeat(recordCharactersMax / 10);
  for (let index = 0; index < 20; index += 1) ledger.keep(permit(String(index), { record }), 1);
  assert.equal(ledger.size, 10);
  ledger.keep(permit('later', { record, endSeconds: 600 }), 300_001);
  assert.equal(ledger.size, 11);
});
