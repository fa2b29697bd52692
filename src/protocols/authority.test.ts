import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostOf } from './authority.ts';

describe('the host of an authority', () => {
  const table: readonly [authority: string, host: string | undefined][] = [
    ['scoring.example.test', 'scoring.example.test'],
    ['Scoring.EXAMPLE.test:8080', 'scoring.example.test'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]:8080', '[::1]'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
    ['a', 'a'],
    ['a_b.c', 'a_b.c'],
    ['a.', 'a.'],
    ['', undefined],
    [':80', undefined],
    ['a:', undefined],
    ['a:x', undefined],
    ['a:65535', 'a'],
    ['a:65536', undefined],
    ['a'.repeat(300), 'a'.repeat(300)],
    ['a:123456', undefined],
    ['a b', undefined],
    ['a/b', undefined],
    ['user@a', undefined],
    ['a%2eb', undefined],
    ['a,b', undefined],
    ['-a', undefined],
    ['::1', undefined],
    ['[::1', undefined],
    ['[::1%25eth0]', undefined],
    ['é', undefined],
    ['a\n', undefined],
    ['a'.repeat(301), undefined],
  ];
  for (const [authority, host] of table) {
    test(JSON.stringify(authority.slice(0, 40)), () => assert.equal(hostOf(authority), host));
  }
});
