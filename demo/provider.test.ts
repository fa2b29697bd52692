import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type RunningProvider, startProvider } from './provider.ts';
import { machineToken, personToken } from './sign-in.ts';

describe('demo provider', () => {
  let provider: RunningProvider;

  before(async () => {
    provider = await startProvider(0);
  });

  after(() => provider.close());

  const claimsOf = async (token: string) => {
    const keys = createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: provider.issuer,
      audience: 'headgate',
    });
    assert.equal(protectedHeader.typ, 'at+jwt');
    return payload;
  };

  test('gives machines tokens without a person in them', async () => {
    const { sub, client_id, groups } = await claimsOf(await machineToken(provider.issuer, 'batch-scorer'));
    assert.deepEqual([sub, client_id, groups], ['batch-scorer', 'batch-scorer', undefined]);
  });

  test('gives people tokens with their groups', async () => {
    const { sub, groups } = await claimsOf(await personToken(provider.issuer, 'alice'));
    assert.deepEqual([sub, groups], ['alice', ['ml-data-scientists']]);
  });

  test('knows nobody else', async () => {
    await assert.rejects(personToken(provider.issuer, 'mallory'), /could not sign in: access_denied/);
    await assert.rejects(machineToken(provider.issuer, 'mallory'), /invalid_client/);
  });
});
