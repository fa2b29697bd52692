import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { credentialBytesMax, headerBytesMax, headerCountMax, targetBytesMax } from '../std/limits.ts';
import { requestIdCharactersMax } from './limits.ts';
import { requestFault } from './request-faults.ts';
import type { GateRequest } from './types.ts';

const good: GateRequest = {
  id: 'r-1',
  listener: 'public',
  method: 'GET',
  target: '/',
  authority: 'a',
  headers: [],
  address: '127.0.0.1',
};

const reasonOf = (changes: Partial<GateRequest>) => requestFault({ ...good, ...changes })?.reason;
const x = (count: number) => 'x'.repeat(count);

describe('a request that is looked at', () => {
  const table: readonly [name: string, changes: Partial<GateRequest>][] = [
    ['the longest id', { id: x(requestIdCharactersMax) }],
    ['the longest target', { target: x(targetBytesMax) }],
    ['the most fields', { headers: Array.from({ length: 2 * headerCountMax }, () => 'x') }],
    ['the longest credential', { headers: ['Authorization', x(credentialBytesMax)] }],
    ['the longest fields together', { headers: ['x', x(headerBytesMax - 1)] }],
    ['a long field that is no credential', { headers: ['x', x(credentialBytesMax + 1)] }],
    ['its host again', { headers: ['date', 'b', 'Host', 'A', 'host2', 'c', 'hosts', 'd'] }],
    ['a method of another protocol', { method: 'PROPFIND' }],
    ['a query of all that may stand in one', { target: '/?a=%20"<>\\^`{|}?/:@!$&\'()*+,;=' }],
    [
      'values with tabs, in latin1, of one character and empty',
      { headers: ['a', 'b\tc d', 'e', '\xe9', 'f', 'g', 'h', ''] },
    ],
  ];
  for (const [name, changes] of table) test(name, () => assert.equal(reasonOf(changes), undefined));
});

describe('a request that is refused at once', () => {
  const table: readonly [reason: string, changes: Partial<GateRequest>][] = [
    ['request-malformed', { id: x(requestIdCharactersMax + 1) }],
    ['request-malformed', { id: '' }],
    ['request-malformed', { id: 'a\nb' }],
    ['request-malformed', { method: '' }],
    ['request-malformed', { method: 'get' }],
    ['request-malformed', { method: "X!#$%&'*+.^_`|~-" }],
    ['request-malformed', { target: '/?a#b' }],
    ['request-malformed', { target: '/?\xe9' }],
    ['request-malformed', { target: '/?a b' }],
    ['request-malformed', { headers: ['a', ' b'] }],
    ['request-malformed', { headers: ['a', 'b\t'] }],
    ['request-malformed', { headers: ['a', ' '] }],
    ['request-malformed', { headers: ['a', 'b\x01c'] }],
    ['request-malformed', { headers: ['a', 'b\x7f'] }],
    ['request-malformed', { headers: ['a', 'b\nc'] }],
    ['request-malformed', { method: 'G(T' }],
    ['request-malformed', { authority: '' }],
    ['request-malformed', { headers: ['host', 'b'] }],
    ['request-malformed', { headers: ['host', 'a', 'Host', 'b'] }],
    ['request-malformed', { headers: ['host'] }],
    ['target-too-long', { target: x(targetBytesMax + 1) }],
    ['header-too-large', { headers: Array.from({ length: 2 * headerCountMax + 2 }, () => 'x') }],
    ['header-too-large', { headers: ['AUTHORIZATION', x(credentialBytesMax + 1)] }],
    ['header-too-large', { headers: ['x', x(headerBytesMax)] }],
  ];
  for (const [reason, changes] of table) {
    test(`${JSON.stringify(changes).slice(0, 50)}: ${reason}`, () => assert.equal(reasonOf(changes), reason));
  }
});
