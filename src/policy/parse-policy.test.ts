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
      {
        name: 'owned',
        anyOf: [{ allOf: [{ identity: 'staff', any: false, client: ['nightly'] }] }],
        owner: 'platform',
        note: 'Asked for by risk, 2026.',
      },
    ]);
  });

  it('reads services, their models and families', () => {
    const finance = [{ name: 'finance-prod' }, { name: 'finance-credit' }];
    assert.deepEqual(plain(policy.services), [
      {
        name: 'scoring',
        protocol: 'tensorflow-serving',
        models: [{ name: 'finance-prod' }, { name: 'dialogue' }],
        families: [
          { name: 'finance', models: finance, owner: 'finance-leads', note: 'The ledger.' },
          { name: 'speech', models: [{ name: 'whisper' }] },
        ],
      },
      { name: 'other', protocol: 'tensorflow-serving', models: [{ name: '1.10' }, { name: 'yes' }], families: [] },
    ]);
  });

  it('reads rules', () => {
    assert.deepEqual(plain(policy.rules.slice(0, 2)), [
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

  it('reads typed conditions, owners and notes', () => {
    const all = [0, 1, 2, 3, 4, 5, 6];
    const [rule, deny] = policy.rules.slice(2);
    assert.deepEqual(plain([rule?.via, rule?.from, rule?.during, rule?.owner, rule?.note]), [
      ['public', 'internal'],
      ['10.0.0.0/8', '192.0.2.7/32', '2001:db8:0:0:0:0:0:0/32'],
      [
        { days: all, fromMinute: 1320, toMinute: 360, zone: 'Europe/Zurich' },
        { days: [0, 6], fromMinute: 0, toMinute: 1440, zone: 'UTC' },
      ],
      'finance-leads',
      'Reviewed each quarter.',
    ]);
    assert.deepEqual(plain(deny?.unless), [
      { via: ['internal'], during: [{ days: [1, 2, 3, 4, 5], fromMinute: 480, toMinute: 1080, zone: 'UTC' }] },
      { from: ['10.1.0.0/16'] },
    ]);
  });

  it('keeps the place of each node', () => {
    const [rule] = policy.rules;
    assert.deepEqual(rule?.span, { file: 'headgate.yaml', line: 27, column: 5, endLine: 27, endColumn: 41 });
    assert.equal(rule?.limits[1]?.burst?.span.column, 64);
    assert.deepEqual(rule?.when?.value.spanOf(0, 6), {
      file: 'headgate.yaml',
      line: 32,
      column: 12,
      endLine: 32,
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
