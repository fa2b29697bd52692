import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { encode, type StubIssuer, signToken, startStubIssuer, stubKey } from '../../test/support/stub-issuer.ts';
import type { OidcPlan } from '../plan/types.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import { type TrustedIssuer, verifyToken } from './verify-token.ts';

const now = 1_800_000_000;
const key = stubKey('one');
const rsa = stubKey('two', 'RS256');
const edwards = stubKey('three', 'EdDSA');
const idKey = new Uint8Array(32);

let issuer: StubIssuer;
let issuers: ReadonlyMap<string, TrustedIssuer>;

before(async () => {
  issuer = await startStubIssuer([key, rsa, edwards]);
  issuers = trust([plan({})]);
});
after(() => issuer.close());

function plan(changes: Partial<OidcPlan>): OidcPlan {
  return {
    name: 'staff',
    kind: 'oidc',
    issuers: [issuer.url],
    audience: ['headgate', 'gate-2'],
    groupsClaim: ['groups'],
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    types: ['jwt', 'at+jwt', ''],
    skewSeconds: 30,
    ...changes,
  };
}

function trust(plans: readonly OidcPlan[]): ReadonlyMap<string, TrustedIssuer> {
  const keys = createIssuerKeys({ issuer: issuer.url, clock: { now: () => now * 1000 }, fetch });
  return new Map([[issuer.url, { plans, keys }]]);
}

function claims(changes: object = {}): object {
  return { iss: issuer.url, sub: 'alice', aud: 'headgate', exp: now + 3600, iat: now, ...changes };
}

async function verify(token: string, trusted = issuers) {
  return verifyToken(token, { issuers: trusted, idKey, nowMs: now * 1000 });
}

async function faultOf(token: string, trusted = issuers): Promise<string> {
  const result = await verify(token, trusted);
  return result.kind === 'fault' ? result.fault : 'verified';
}

describe('a good token', () => {
  test('gives its identity', async () => {
    const result = await verify(signToken(claims({ groups: ['b', 'a', 'b'] }), key));
    assert.equal(result.kind, 'verified');
    assert.deepEqual(result.kind === 'verified' && result.identity, {
      provider: 'staff',
      kind: 'oidc',
      issuer: issuer.url,
      subject: 'alice',
      id: result.kind === 'verified' && result.identity.id,
      groups: ['a', 'b'],
      expiresAtMs: (now + 3630) * 1000,
    });
    assert.match(result.kind === 'verified' ? result.identity.id : '', /^[A-Za-z0-9_-]{22}$/);
  });

  const good: readonly [name: string, token: () => string][] = [
    ['signed by RSA', () => signToken(claims(), rsa)],
    ['signed by Ed25519', () => signToken(claims(), edwards)],
    ['without a kid', () => signToken(claims(), key, { kid: undefined })],
    ['without a typ', () => signToken(claims(), key, { typ: undefined })],
    ['with a typ in long form and another case', () => signToken(claims(), key, { typ: 'application/AT+JWT' })],
    ['with several audiences', () => signToken(claims({ aud: ['other', 'gate-2'] }), key)],
    ['expired within the skew', () => signToken(claims({ exp: now - 29 }), key)],
    ['valid soon, within the skew', () => signToken(claims({ nbf: now + 30, iat: now + 30 }), key)],
    ['with a fraction of a second', () => signToken(claims({ exp: now + 0.5 }), key)],
    ['with the latest end there is', () => signToken(claims({ exp: 253_402_300_799 }), key)],
    ['with the longest subject', () => signToken(claims({ sub: 'é'.repeat(256) }), key)],
    ['with one group as a string', () => signToken(claims({ groups: 'a' }), key)],
    ['with white space in its JSON', () => signToken(JSON.stringify(claims(), null, 2), key)],
    ['with the same member in two objects', () => signToken(claims({ a: { x: 1 }, b: { x: 1 }, c: [{ x: 1 }] }), key)],
  ];
  for (const [name, token] of good) {
    test(name, async () => assert.equal(await faultOf(token()), 'verified'));
  }
});

/** Each → its reason. */
const bad: readonly [name: string, reason: string, token: () => string][] = [
  ['no parts', 'credential-malformed', () => 'opaque'],
  ['two parts', 'credential-malformed', () => signToken(claims(), key).split('.').slice(0, 2).join('.')],
  ['five parts, encrypted', 'credential-malformed', () => 'a.b.c.d.e'],
  ['a part more', 'credential-malformed', () => `${signToken(claims(), key)}.AA`],
  ['an empty signature', 'credential-malformed', () => signToken(claims(), key).replace(/[^.]+$/, '')],
  ['an empty part', 'credential-malformed', () => `.${encode(claims())}.AA`],
  ['padding', 'credential-malformed', () => `${signToken(claims(), key)}=`],
  ['white space at the end', 'credential-malformed', () => `${signToken(claims(), key)}\t`],
  ['base64 of the other alphabet', 'credential-malformed', () => swapAlphabet(signToken(claims({ x: '???>>>' }), key))],
  ['trailing bits', 'credential-malformed', () => withTrailingBits(signToken(claims(), key))],
  ['a header that is no JSON', 'credential-malformed', () => signToken(claims(), key, '{')],
  ['a header that is a list', 'credential-malformed', () => signToken(claims(), key, '[]')],
  ['a payload that is a string', 'credential-malformed', () => signToken('"x"', key)],
  ['a payload that is null', 'credential-malformed', () => signToken('null', key)],
  [
    'a payload that is no UTF-8',
    'credential-malformed',
    () => withPayload(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])),
  ],
  ['a byte order mark', 'credential-malformed', () => signToken(`\ufeff${JSON.stringify(claims())}`, key)],
  [
    'a member twice in the header',
    'credential-malformed',
    () => signToken(claims(), key, '{"alg":"none","alg":"ES256"}'),
  ],
  ['a claim twice', 'credential-malformed', () => signToken(twice('"sub":"root",'), key)],
  ['a claim twice, once escaped', 'credential-malformed', () => signToken(twice('"s\\u0075b":"root",'), key)],
  ['a claim twice, deep', 'credential-malformed', () => signToken(twice('"a":[{"b":1,"b":2}],'), key)],
  ['alg of another type', 'credential-malformed', () => signToken(claims(), key, { alg: 7 })],
  ['no alg', 'credential-malformed', () => signToken(claims(), key, { alg: undefined })],
  ['kid of another type', 'credential-malformed', () => signToken(claims(), key, { kid: 7 })],
  ['typ of another type', 'credential-malformed', () => signToken(claims(), key, { typ: ['JWT'] })],
  ['an unknown crit', 'credential-malformed', () => signToken(claims(), key, { crit: ['x'], x: 1 })],
  ['an empty crit', 'credential-malformed', () => signToken(claims(), key, { crit: [] })],
  ['b64: false', 'credential-malformed', () => signToken(claims(), key, { b64: false, crit: ['b64'] })],
  ['b64: false alone', 'credential-malformed', () => signToken(claims(), key, { b64: false })],
  ['alg none', 'credential-algorithm', () => `${encode({ alg: 'none' })}.${encode(claims())}.`],
  ['alg NONE', 'credential-algorithm', () => `${encode({ alg: 'NONE' })}.${encode(claims())}.AA`],
  ['HMAC with the public key', 'credential-algorithm', () => hmacToken()],
  ['an algorithm that this identity has not', 'credential-algorithm', () => signToken(claims(), key, { alg: 'ES384' })],
  ['an algorithm of another kind of key', 'credential-algorithm', () => signToken(claims(), key, { alg: 'RS256' })],
  ['an algorithm that the key is not for', 'credential-algorithm', () => signToken(claims(), rsa, { alg: 'PS256' })],
  ['a logout token', 'credential-type', () => signToken(claims(), key, { typ: 'logout+jwt' })],
  ['a DPoP proof', 'credential-type', () => signToken(claims(), key, { typ: 'dpop+jwt' })],
  ['a security event', 'credential-type', () => signToken(claims({ events: {} }), key)],
  ['a token bound to a key', 'credential-type', () => signToken(claims({ cnf: { jkt: 'x' } }), key)],
  ['no iss', 'credential-issuer', () => signToken(claims({ iss: undefined }), key)],
  ['another iss', 'credential-issuer', () => signToken(claims({ iss: 'https://other.example' }), key)],
  ['iss with a slash more', 'credential-issuer', () => signToken(claims({ iss: `${issuer.url}/` }), key)],
  ['iss of another type', 'credential-malformed', () => signToken(claims({ iss: [issuer.url] }), key)],
  ['another key under a known kid', 'credential-signature', () => signToken(claims(), stubKey('one'))],
  ['an unknown kid', 'credential-signature', () => signToken(claims(), key, { kid: 'nobody' })],
  ['another key and no kid', 'credential-signature', () => signToken(claims(), stubKey('x'), { kid: undefined })],
  ['a changed payload', 'credential-signature', () => changed(signToken(claims(), key))],
  ['its own key in the header', 'credential-signature', () => selfSigned()],
  ['no aud', 'credential-audience', () => signToken(claims({ aud: undefined }), key)],
  ['another aud', 'credential-audience', () => signToken(claims({ aud: 'other' }), key)],
  ['aud in another case', 'credential-audience', () => signToken(claims({ aud: 'Headgate' }), key)],
  ['an empty list of aud', 'credential-audience', () => signToken(claims({ aud: [] }), key)],
  ['aud of another type', 'credential-malformed', () => signToken(claims({ aud: { a: 1 } }), key)],
  ['a list with a number as aud', 'credential-malformed', () => signToken(claims({ aud: ['headgate', 7] }), key)],
  ['expired', 'credential-expired', () => signToken(claims({ exp: now - 30 }), key)],
  ['an end at the epoch', 'credential-expired', () => signToken(claims({ exp: 0 }), key)],
  ['no exp', 'credential-malformed', () => signToken(claims({ exp: undefined }), key)],
  ['exp as a string', 'credential-malformed', () => signToken(claims({ exp: String(now + 60) }), key)],
  ['exp in milliseconds', 'credential-malformed', () => signToken(claims({ exp: now * 1000 }), key)],
  ['a negative exp', 'credential-malformed', () => signToken(claims({ exp: -1 }), key)],
  [
    'exp beyond numbers',
    'credential-malformed',
    () => signToken(JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999'), key),
  ],
  ['not valid yet', 'credential-not-yet-valid', () => signToken(claims({ nbf: now + 31 }), key)],
  ['issued in the future', 'credential-not-yet-valid', () => signToken(claims({ iat: now + 31 }), key)],
  ['nbf as a string', 'credential-malformed', () => signToken(claims({ nbf: '1' }), key)],
  ['iat as null', 'credential-malformed', () => signToken(claims({ iat: null }), key)],
  ['no sub', 'credential-malformed', () => signToken(claims({ sub: undefined }), key)],
  ['an empty sub', 'credential-malformed', () => signToken(claims({ sub: '' }), key)],
  ['sub of another type', 'credential-malformed', () => signToken(claims({ sub: 7 }), key)],
  ['half a character in sub', 'credential-malformed', () => signToken(claims({ sub: 'a\ud800' }), key)],
  ['a line break in sub', 'credential-malformed', () => signToken(claims({ sub: 'a\r\nb' }), key)],
  ['half a character in a group', 'credential-malformed', () => signToken(claims({ groups: ['\ud800'] }), key)],
  ['a long sub', 'credential-malformed', () => signToken(claims({ sub: 'é'.repeat(257) }), key)],
  ['groups of another type', 'credential-malformed', () => signToken(claims({ groups: { a: true } }), key)],
  ['groups with a number', 'credential-malformed', () => signToken(claims({ groups: ['a', 7] }), key)],
  ['groups that are null', 'credential-malformed', () => signToken(claims({ groups: null }), key)],
  [
    'groups that are elsewhere',
    'credential-malformed',
    () => signToken(claims({ _claim_names: { groups: 'src1' } }), key),
  ],
  ['too many groups to be told', 'credential-malformed', () => signToken(claims({ hasgroups: true }), key)],
  ['client_id of another type', 'credential-malformed', () => signToken(claims({ client_id: 7 }), key)],
];

describe('a bad token', () => {
  for (const [name, reason, token] of bad) {
    test(`${name}: ${reason}`, async () => assert.equal(await faultOf(token()), reason));
  }
});

describe('groups by claim path', () => {
  const groupsAt = async (path: readonly string[], payload: object) => {
    const result = await verify(signToken(claims(payload), key), trust([plan({ groupsClaim: path })]));
    return result.kind === 'verified' ? result.identity.groups : result.fault;
  };
  test('of several segments', async () => {
    assert.deepEqual(await groupsAt(['realm_access', 'roles'], { realm_access: { roles: ['x'] } }), ['x']);
  });
  test('none where the claim is missing', async () => {
    assert.deepEqual(await groupsAt(['realm_access', 'roles'], { realm_access: {} }), []);
    assert.deepEqual(await groupsAt(['realm_access', 'roles'], {}), []);
    assert.deepEqual(await groupsAt(['toString'], {}), []);
  });
  test('malformed where a segment is no object', async () => {
    assert.equal(await groupsAt(['realm_access', 'roles'], { realm_access: 'x' }), 'credential-malformed');
  });
});

describe('several identities behind one issuer', () => {
  test('the audience tells them apart', async () => {
    const both = trust([plan({ name: 'staff', audience: ['a'] }), plan({ name: 'robots', audience: ['b'] })]);
    const result = await verify(signToken(claims({ aud: 'b' }), key), both);
    assert.equal(result.kind === 'verified' && result.identity.provider, 'robots');
  });
  test('one that has not the algorithm is left out', async () => {
    const both = trust([plan({ name: 'staff', algorithms: ['RS256'] }), plan({ name: 'robots' })]);
    const result = await verify(signToken(claims(), key), both);
    assert.equal(result.kind === 'verified' && result.identity.provider, 'robots');
  });
});

function twice(member: string): string {
  return JSON.stringify(claims()).replace('{', `{${member}`);
}

function withTrailingBits(token: string): string {
  // 64 bytes end in a character of which two bits count: the next one in the alphabet says the same bytes.
  const last = token.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(last) + 1];
}

function swapAlphabet(token: string): string {
  assert.match(token, /[-_]/);
  return token.replaceAll('-', '+').replaceAll('_', '/');
}

function withPayload(bytes: Buffer): string {
  return `${encode({ alg: 'ES256', kid: 'one' })}.${bytes.toString('base64url')}.AA`;
}

function changed(token: string): string {
  const [header = '', , signature = ''] = token.split('.');
  return [header, encode(claims({ sub: 'root' })), signature].join('.');
}

function selfSigned(): string {
  const own = stubKey('mine');
  return signToken(claims(), own, { jwk: own.publicKey.export({ format: 'jwk' }), jku: `${issuer.url}/mine` });
}

function hmacToken(): string {
  const input = `${encode({ alg: 'HS256', kid: 'two' })}.${encode(claims())}`;
  const secret = rsa.publicKey.export({ format: 'pem', type: 'spki' });
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
