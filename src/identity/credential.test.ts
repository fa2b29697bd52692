import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { credentialBytesMax } from '../std/limits.ts';
import { credentialOf } from './credential.ts';

const read = (...headers: string[]) => {
  const credential = credentialOf(headers);
  if (credential.kind === 'bearer') return `token ${credential.token}`;
  return credential.kind === 'fault' ? credential.fault : credential.kind;
};

const longest = 'a'.repeat(credentialBytesMax - 'Bearer '.length);

describe('the credential of a request', () => {
  const table: readonly [headers: string[], expected: string][] = [
    [[], 'anonymous'],
    [['host', 'a', 'x-authorization', 'Bearer a'], 'anonymous'],
    [['Authorization', 'Bearer a.b.c'], 'token a.b.c'],
    [['AUTHORIZATION', 'bEARER a.b.c'], 'token a.b.c'],
    [['authorization', 'Bearer  a.b.c'], 'token a.b.c'],
    [['authorization', ''], 'credential-malformed'],
    [['authorization', 'Bearer'], 'credential-malformed'],
    [['authorization', 'Bearer '], 'credential-malformed'],
    [['authorization', 'a.b.c'], 'credential-malformed'],
    [['authorization', 'Basic dTpw'], 'credential-malformed'],
    [['authorization', 'Bearer a.b.c d.e.f'], 'credential-malformed'],
    [['authorization', 'Bearer a.b.c, Bearer d.e.f'], 'credential-malformed'],
    [['authorization', `Bearer ${longest}`], `token ${longest}`],
    [['authorization', `Bearer ${longest}a`], 'credential-malformed'],
    [['authorization', 'Bearer a', 'authorization', 'Bearer a'], 'credential-ambiguous'],
    [['authorization', 'Bearer a', 'Authorization', ''], 'credential-ambiguous'],
    [['proxy-authorization', 'Basic a', 'authorization', 'Bearer a'], 'credential-ambiguous'],
    [['Authorization', 'Bearer a', 'Proxy-Authorization', 'Bearer a'], 'credential-ambiguous'],
    [['proxy-authorization', 'Basic a'], 'anonymous'],
  ];
  for (const [headers, expected] of table) {
    test(`${JSON.stringify(headers).slice(0, 80)}: ${expected}`, () => assert.equal(read(...headers), expected));
  }
});
