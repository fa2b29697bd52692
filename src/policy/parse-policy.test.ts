import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parsePolicy } from './index.ts';
import type { Policy } from './types.ts';

const goldens = join(import.meta.dirname, '../../test/goldens/policy');

function read(text: string): Policy {
  const { value, diagnostics } = parsePolicy(text, 'headgate.yaml');
  assert.deepEqual(diagnostics, []);
  assert.ok(value);
  return value;
}

/** Without the places. */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (typeof node !== 'object' || node === null) return node;
  const members = Object.entries(node).filter(([key, member]) => key !== 'span' && typeof member !== 'function');
  const rest = Object.fromEntries(members.map(([key, member]) => [key, plain(member)]));
  return 'value' in rest && members.length === 1 ? rest.value : rest;
}

describe('parsePolicy', () => {
  const policy = read(readFileSync(join(goldens, 'good-every-form/headgate.yaml'), 'utf8'));

  it('reads identities, with one or many of what may be either', () => {
    assert.deepEqual(plain(policy.identity), [
      {
        name: 'staff',
        kind: 'oidc',
        audience: ['headgate', 'https://api.example.test'],
        groupsClaim: 'realm_access.roles',
        algorithms: ['ES256', 'EdDSA'],
        types: ['at+jwt'],
      },
    ]);
  });

  it('reads groups: a list is any of, a map is all of', () => {
    assert.deepEqual(plain(policy.groups), [
      { name: 'employees', anyOf: [{ allOf: [{ identity: 'staff', any: true }] }] },
      {
        name: 'apps',
        anyOf: [
          { allOf: [{ identity: 'staff', any: false, group: ['ml'], client: ['scorer', 'batch'] }] },
          { allOf: [{ identity: 'staff', any: false, subject: ['auth0|5f7c'] }] },
        ],
      },
    ]);
  });

  it('reads services and their models', () => {
    assert.deepEqual(plain(policy.services), [
      { name: 'scoring', protocol: 'tensorflow-serving', models: [{ name: 'finance-prod' }, { name: 'dialogue' }] },
      { name: 'other', protocol: 'tensorflow-serving', models: [{ name: '1.10' }, { name: 'yes' }] },
    ]);
  });

  it('reads rules', () => {
    assert.deepEqual(plain(policy.rules), [
      {
        name: 'employees: look, and predict',
        effect: 'allow',
        callers: ['employees'],
        to: ['status', 'metadata', 'predict'],
        at: ['scoring/**', 'other/*'],
        in: ['dev'],
        when: { text: 'caller.client == ""' },
        unless: [],
        limits: [
          { rate: { count: 200, periodMs: 1000 }, per: 'caller' },
          { rate: { count: 5, periodMs: 3_600_000 }, burst: 1, per: 'rule' },
        ],
      },
      {
        name: 'nobody at night',
        effect: 'deny',
        callers: 'anyone',
        to: ['any'],
        at: ['scoring/finance-*'],
        unless: [{ caller: ['apps'], when: { text: 'true' } }],
        limits: [],
      },
    ]);
  });

  it('keeps the place of each node', () => {
    const [rule] = policy.rules;
    assert.deepEqual(rule?.span, { file: 'headgate.yaml', line: 23, column: 5, endLine: 23, endColumn: 41 });
    assert.equal(rule?.limits[1]?.burst?.span.column, 64);
    assert.deepEqual(rule?.when?.value.spanOf(0, 6), {
      file: 'headgate.yaml',
      line: 28,
      column: 12,
      endLine: 28,
      endColumn: 18,
    });
  });

  it('reads token types without their application/ prefix, in lower case', () => {
    const text =
      'version: 1\nidentity: { a: { oidc: { audience: x, types: [application/AT+JWT, JWT] } } }\nservices: { s: { protocol: tensorflow-serving, models: [m] } }\nrules: []\n';
    assert.deepEqual(plain(read(text).identity), [
      { name: 'a', kind: 'oidc', audience: ['x'], groupsClaim: 'groups', types: ['at+jwt', 'jwt'] },
    ]);
  });

  it('needs neither identity nor groups', () => {
    const bare = read('version: 1\nservices: { s: { protocol: tensorflow-serving, models: [m] } }\nrules: []\n');
    assert.deepEqual([bare.identity, bare.groups, bare.rules], [[], [], []]);
  });
});
