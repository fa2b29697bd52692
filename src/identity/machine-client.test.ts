import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { machineClient } from './machine-client.ts';

describe('machine tokens', () => {
  const machines: readonly [name: string, claims: Record<string, unknown>][] = [
    ['RFC 9068', { sub: 'scorer', client_id: 'scorer', scope: 'predict' }],
    ['Okta', { sub: 'scorer', cid: 'scorer', scp: ['predict'], ver: 1 }],
    ['Google', { sub: 'scorer', azp: 'scorer', email: 'x@y.iam.gserviceaccount.com', email_verified: true }],
    ['Entra v2', { sub: '7-7', oid: '7-7', azp: 'scorer', azpacr: '1', idtyp: 'app', roles: ['x'] }],
    ['Entra v1', { sub: '7-7', oid: '7-7', appid: 'scorer', appidacr: '1', idtyp: 'app' }],
    ['Auth0 by RFC 9068', { sub: 'scorer@clients', client_id: 'scorer' }],
    ['Auth0', { sub: 'scorer@clients', azp: 'scorer', gty: 'client-credentials' }],
    [
      'Keycloak',
      {
        sub: '7-7',
        azp: 'scorer',
        client_id: 'scorer',
        preferred_username: 'service-account-scorer',
        acr: '1',
        email_verified: false,
      },
    ],
    [
      'an older Keycloak',
      { sub: '7-7', azp: 'scorer', clientId: 'scorer', preferred_username: 'service-account-scorer' },
    ],
  ];
  for (const [name, claims] of machines) {
    test(name, () => assert.equal(machineClient(claims), 'scorer'));
  }

  test("Keycloak keeps a user's name in lower case", () => {
    const claims = { sub: '7', azp: 'Scorer', client_id: 'Scorer', preferred_username: 'service-account-scorer' };
    assert.equal(machineClient(claims), 'Scorer');
  });
});

describe('tokens that have, or may have, a person in them', () => {
  const persons: readonly [name: string, claims: Record<string, unknown>][] = [
    ['RFC 9068', { sub: '7-7', client_id: 'scorer', scope: 'predict' }],
    ['RFC 9068, signed in', { sub: 'scorer', client_id: 'scorer', auth_time: 1, amr: ['pwd'] }],
    ['Auth0', { sub: 'auth0|7', azp: 'scorer' }],
    ['Auth0, by a spoken name', { sub: 'scorer@clients', azp: 'scorer' }],
    ['Okta, a login that is named like a client', { sub: 'scorer', cid: 'scorer', uid: '00u7' }],
    ['Keycloak', { sub: '7-7', azp: 'scorer', preferred_username: 'alice', sid: 'x', acr: '1' }],
    [
      'Keycloak, a user who is named like an account',
      { sub: '7', azp: 'scorer', preferred_username: 'service-account-scorer' },
    ],
    [
      'Keycloak, the account of another client',
      { sub: '7', azp: 'a', client_id: 'a', preferred_username: 'service-account-b' },
    ],
    ['Entra', { sub: 'x', oid: '7-7', azp: 'scorer', scp: 'predict', name: 'Alice' }],
    ['Entra, told by idtyp', { sub: 'scorer', azp: 'scorer', idtyp: 'user' }],
    ['Google', { sub: '107', azp: '7.apps.googleusercontent.com', email: 'alice@bank.example' }],
    ['a login that is named like a client', { sub: 'scorer', client_id: 'scorer', preferred_username: 'scorer' }],
    ['the same by azp', { sub: 'scorer', azp: 'scorer', preferred_username: 'scorer' }],
    ['an ID token', { sub: 'scorer', azp: 'scorer', nonce: 'x', at_hash: 'y' }],
    ['acting for somebody', { sub: 'scorer', client_id: 'scorer', act: { sub: 'other' } }],
    ['two clients that differ', { sub: 'scorer', client_id: 'scorer', azp: 'other' }],
    ['a client that is no text', { sub: 7, client_id: 7 }],
    ['nothing at all', {}],
  ];
  for (const [name, claims] of persons) {
    test(name, () => assert.equal(machineClient(claims), undefined));
  }
});
