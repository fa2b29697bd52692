import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../identity/types.ts';
import type { GroupPlan } from '../plan/types.ts';
import { createMemberships } from './memberships.ts';

const groups: readonly GroupPlan[] = [
  { name: 'everyone', anyOf: [{ allOf: [{ identity: 'staff' }] }] },
  { name: 'leads', anyOf: [{ allOf: [{ identity: 'staff', group: ['leads', 'owners'] }] }] },
  { name: 'scorers', anyOf: [{ allOf: [{ identity: 'staff', client: ['scorer'] }] }] },
  { name: 'ann', anyOf: [{ allOf: [{ identity: 'staff', subject: ['ann'], group: ['leads'] }] }] },
  {
    name: 'partners',
    anyOf: [{ allOf: [{ identity: 'partners' }] }, { allOf: [{ identity: 'staff', group: ['p'] }] }],
  },
  { name: 'both', anyOf: [{ allOf: [{ identity: 'staff' }, { identity: 'partners' }] }] },
];

function caller(given: Partial<Identity>): Identity {
  const base = {
    provider: 'staff',
    kind: 'oidc',
    issuer: 'https://id.example',
    id: '',
    groups: [],
    expiresAtMs: 0,
  } as const;
  return { ...base, subject: 'bob', ...given };
}

function groupsOf(given: Partial<Identity>): readonly string[] {
  return [...createMemberships(groups)(caller(given)).groups];
}

test('every key of a term must match, any of its values will do', () => {
  assert.deepEqual(groupsOf({}), ['everyone']);
  assert.deepEqual(groupsOf({ groups: ['owners'] }), ['everyone', 'leads']);
  assert.deepEqual(groupsOf({ subject: 'ann' }), ['everyone']);
  assert.deepEqual(groupsOf({ subject: 'ann', groups: ['leads'] }), ['ann', 'everyone', 'leads']);
  assert.deepEqual(groupsOf({ groups: ['p'] }), ['everyone', 'partners']);
});

test('client is for tokens without a person, and of that identity', () => {
  assert.deepEqual(groupsOf({ client: 'scorer' }), ['everyone', 'scorers']);
  assert.deepEqual(groupsOf({ subject: 'scorer' }), ['everyone']);
  assert.deepEqual(groupsOf({ provider: 'partners', client: 'scorer', groups: ['leads'] }), ['partners']);
});

test('values cannot run into one another', () => {
  const odd: readonly GroupPlan[] = [{ name: 'odd', anyOf: [{ allOf: [{ identity: 'a', subject: ['b\0c'] }] }] }];
  const found = createMemberships(odd)(caller({ provider: 'a\0b', subject: 'c' }));
  assert.equal(found.groups.size, 0);
});

test('one identity is worked out once, and equal sets are shared', () => {
  const membershipOf = createMemberships(groups);
  const ann = caller({ subject: 'ann' });
  assert.equal(membershipOf(ann), membershipOf(ann));
  assert.equal(membershipOf(ann), membershipOf(caller({})));
});
