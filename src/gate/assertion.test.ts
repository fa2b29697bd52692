import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import type { Identity } from '../identity/types.ts';
import { assertionLifetimeMs } from '../std/limits.ts';
import { Secret } from '../std/secret.ts';
import { type Assert, createAssert } from './assertion.ts';
import { assertionGroupsBytesMax, assertionRenewMs } from './limits.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const keys = {
  idKey: new Secret(new Uint8Array(32)),
  signer: () => ({ keyId: 'one', privateKey }),
  published: () => [],
};
let nowMs: number;
let sign: Assert;

beforeEach(() => {
  nowMs = 1_800_000_000_000;
  sign = createAssert({ keys, clock: { now: () => nowMs }, issuer: 'urn:headgate:test' });
});

function caller(changes: Partial<Identity> = {}): Identity {
  const expiresAtMs = nowMs + 3_600_000;
  return {
    provider: 'staff',
    kind: 'oidc',
    issuer: 'https://i',
    subject: 'a',
    id: 'id',
    groups: [],
    expiresAtMs,
    ...changes,
  };
}

describe('an assertion', () => {
  test('is remembered by caller and service, and signed anew in time', async () => {
    const alice = caller();
    const first = await sign(alice, 'scoring');
    assert.equal(await sign(alice, 'scoring'), first);
    assert.notEqual(await sign(alice, 'flows'), first);
    assert.notEqual((await sign(caller({ id: 'other' }), 'scoring')).text, first.text);
    assert.notEqual((await sign(caller({ groups: ['g'] }), 'scoring')).text, first.text);
    nowMs += assertionRenewMs - 1000;
    assert.equal(await sign(alice, 'scoring'), first);
    nowMs += 1000;
    const later = await sign(alice, 'scoring');
    assert.equal(later.endsAtMs, nowMs + assertionLifetimeMs);
    assert.notEqual(decodeJwt(later.text).jti, decodeJwt(first.text).jti);
  });

  test("never outlives the credential, also where another token's is remembered", async () => {
    const long = await sign(caller(), 'scoring');
    const short = await sign(caller({ expiresAtMs: nowMs + 100_000 }), 'scoring');
    assert.ok(short.endsAtMs < long.endsAtMs);
    assert.equal(decodeJwt(short.text).exp, (nowMs + 100_000) / 1000);
    nowMs += 99_000;
    const again = await sign(caller({ expiresAtMs: nowMs + 130_000 }), 'scoring');
    assert.notEqual(again.text, short.text, 'one that ends in a moment is not used again');
  });

  test('names the client of a machine', async () => {
    assert.equal(decodeJwt((await sign(caller({ client: 'scorer' }), 's')).text).client_id, 'scorer');
  });

  test('holds few groups, and says so', async () => {
    const groups = Array.from({ length: 500 }, (_, index) => `group-${String(index).padStart(4, '0')}`);
    const { text } = await sign(caller({ groups }), 's');
    const claims = decodeJwt(text);
    assert.ok(Array.isArray(claims.groups) && claims.groups.length < 100);
    assert.equal(claims.groups_complete, false);
    assert.ok(text.length < 2 * assertionGroupsBytesMax);
  });
});
