import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownNames, namesMax, plainNames } from './plain-names.ts';

const single = new Set(['host', 'authorization', 'x-region']);
const fields = (...names: readonly string[]): string[] => [...names, 'content-length'].flatMap((name) => [name, 'v']);

test('names are plain where only the credential has to go', () => {
  assert.equal(
    plainNames(fields('host', 'accept', 'authorization'), single),
    'host,accept,authorization,content-length',
  );
  assert.equal(plainNames(fields('cookie', 'cookie'), single), 'cookie,cookie,content-length');
  for (const name of [
    ...['x-headgate-subject', 'x_headgate_subject', 'forwarded', 'x-forwarded-for', 'proxy-authorization'],
    ...['connection', 'te', 'upgrade', 'expect', 'traceparent', 'transfer-encoding', 'trailer', 'http2-settings'],
    ...['#a', "a'b", 'a b'],
  ]) {
    assert.equal(plainNames(fields('host', name), single), undefined, name);
  }
  for (const name of single) assert.equal(plainNames(fields(name, 'accept', name), single), undefined, name);
});

test('a body without a declared length is looked at; a gRPC call has none', () => {
  assert.equal(plainNames(['host', 'v'], single), undefined);
  assert.equal(plainNames(['host', 'v', 'te', 'trailers'], single, true), 'host,te');
});

test('long lists and many fields are not plain', () => {
  assert.equal(plainNames(fields('x'.repeat(2000)), single), undefined);
  assert.equal(plainNames(fields(...Array.from({ length: 101 }, () => 'a')), single), undefined);
});

test('what is known is bounded, and learned once', () => {
  const orders: string[] = [];
  const known = new KnownNames({ clear: () => orders.push('clear'), add: (list) => orders.push(list) }, ['x-region']);
  for (const names of [['host'], ['host'], ['x-region', 'x-region']]) known.learn(fields(...names));
  assert.deepEqual(orders, ['host,content-length']);
  for (let index = 0; index < namesMax; index += 1) known.learn(fields(`a${index}`));
  assert.deepEqual(orders.slice(namesMax), ['clear', `a${namesMax - 1},content-length`]);
});
