import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { jwkOf, type StubKey, signToken, stubKey } from '../../test/support/stub-issuer.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { assertionHash } from './read-link.ts';
import { verifyChain } from './verify-chain.ts';

const nowMs = 1_800_000_000_000;
const nowS = nowMs / 1000;
const [edge, core] = [stubKey('e', 'EdDSA'), stubKey('c', 'EdDSA')];
const idp = 'https://idp.example';
const subject = (sub: string) => ({ format: 'iss_sub', iss: idp, sub });
const times = { iat: nowS, nbf: nowS, exp: nowS + 600, jti: 'j' };

const first = {
  ...{ iss: 'urn:headgate:edge', aud: 'orders', sub: 'a', sub_id: subject('ann'), identity: 'staff' },
  ...{ client_id: 'browser', groups: ['g'], ...times },
};
const act = { iss: 'urn:headgate:core', sub: 'o', sub_id: subject('orders'), service: 'orders' };
const signed = (claims: object, key: StubKey, head: object = {}): string =>
  signToken(claims, key, { typ: 'JWT', ...head });
const earlier = signed(first, edge);
const second = {
  ...first,
  ...{ iss: 'urn:headgate:core', aud: 'ledger', act, prev: assertionHash(earlier), groups_complete: false },
};

let gateways: Map<string, IssuerKeys>;
beforeEach(() => {
  const keysOf = (issuer: string, key: StubKey) =>
    createIssuerKeys({
      ...{ issuer, clock: { now: () => nowMs }, fetch: () => assert.fail('nothing is fetched') },
      entries: async () => [jwkOf(key)],
    });
  gateways = new Map([
    ['urn:headgate:edge', keysOf('urn:headgate:edge', edge)],
    ['urn:headgate:core', keysOf('urn:headgate:core', core)],
  ]);
});

const read = (...texts: readonly string[]) => verifyChain(texts, { gateways, skewSeconds: 30, nowMs });

async function fault(...texts: readonly string[]): Promise<string> {
  const found = await read(...texts);
  return found.kind === 'fault' ? `${found.fault}: ${found.detail}` : 'none';
}

describe('a chain of assertions', () => {
  test('of one is who the first gateway has known', async () => {
    const found = await read(earlier);
    assert.ok(found.kind === 'verified');
    const { relayed } = found;
    const groups = { groups: ['g'], hasAllGroups: true };
    assert.deepEqual(relayed.origin, { provider: 'staff', issuer: idp, subject: 'ann', client: 'browser', ...groups });
    assert.deepEqual([relayed.actors, relayed.service, relayed.texts], [[], 'orders', [earlier]]);
    assert.deepEqual(relayed.hops, [{ gateway: 'urn:headgate:edge', service: 'orders' }]);
    assert.equal(relayed.endsAtMs, nowMs + 600_000);
  });

  test('of two has who called on, and ends with the first of them', async () => {
    const found = await read(earlier, signed({ ...second, exp: nowS + 60 }, core));
    assert.ok(found.kind === 'verified');
    const { actors, service, origin, hops, endsAtMs } = found.relayed;
    const orders = { gateway: 'urn:headgate:core', id: 'o', issuer: idp, subject: 'orders', service: 'orders' };
    assert.deepEqual([actors, service, origin.hasAllGroups], [[orders], 'ledger', false]);
    assert.deepEqual(hops.at(-1), { gateway: 'urn:headgate:core', service: 'ledger' });
    assert.equal(endsAtMs, nowMs + 60_000);
  });

  test('a clock that is ahead is borne with; an end is not put off', async () => {
    assert.equal(await fault(signed({ ...first, nbf: nowS + 30, iat: nowS + 30 }, edge)), 'none');
    assert.equal(await fault(signed({ ...first, nbf: nowS + 31 }, edge)), 'assertion-expired: nbf');
    assert.equal(await fault(signed({ ...first, iat: nowS + 31 }, edge)), 'assertion-expired: iat');
    assert.equal(await fault(signed({ ...first, exp: nowS }, edge)), 'assertion-expired: exp has passed');
  });

  test('each claim is of our own form, or the assertion is none', async () => {
    const forms: Record<string, unknown> = {
      sub: 7,
      aud: ['orders'],
      jti: '',
      prev: 'short',
      sub_id: { format: 'opaque', id: 'a' },
      identity: undefined,
      client_id: { a: 1 },
      groups: { a: 1 },
    };
    for (const [claim, value] of Object.entries(forms))
      assert.match(await fault(signed({ ...first, [claim]: value }, edge)), /^assertion-malformed: /, claim);
    for (const wrong of ['text', { ...act, sub_id: undefined }, { ...act, service: 1 }, { ...act, act: [] }])
      assert.equal(await fault(earlier, signed({ ...second, act: wrong }, core)), 'assertion-malformed: claim act');
    let deep: object = act;
    for (let depth = 0; depth < 20; depth += 1) deep = { ...act, act: deep };
    assert.equal(await fault(earlier, signed({ ...second, act: deep }, core)), 'assertion-malformed: claim act');
    assert.equal(await fault(signed(first, edge, { crit: ['x'], x: 1 })), 'assertion-malformed: crit');
  });

  test('none is believed of a gateway that is not known, nor by another key or algorithm', async () => {
    assert.equal(await fault(signed(first, core)), 'assertion-signature: the issuer has no such key');
    assert.match(await fault(signed({ ...first, iss: 'urn:headgate:x' }, edge)), /^assertion-issuer: /);
    assert.match(await fault(signed(first, stubKey('e'))), /^assertion-signature: algorithm/);
    const elsewhere = createIssuerKeys({
      ...{ issuer: 'urn:headgate:edge', clock: { now: () => nowMs }, fetch: () => assert.fail('nothing is fetched') },
      entries: () => Promise.reject(new Error('away')),
    });
    gateways.set('urn:headgate:edge', elsewhere);
    assert.match(await fault(earlier), /^identity-unavailable: /);
  });

  test('one that does not follow from the one before it breaks the chain', async () => {
    const tries: Readonly<Record<string, readonly string[]>> = {
      'an earlier assertion is missing': [signed(second, core)],
      'actors without earlier assertions': [signed({ ...first, act }, edge)],
      'it was not made from the one before it': [signed({ ...first, jti: 'k' }, edge), signed(second, core)],
      'its newest actor': [earlier, signed({ ...second, act: { ...act, service: 'billing' } }, core)],
      'its earlier actors': [earlier, signed({ ...second, act: { ...act, act } }, core)],
      'its subject': [earlier, signed({ ...second, sub_id: subject('root') }, core)],
      'it outlives the one before it': [earlier, signed({ ...second, exp: nowS + 601 }, core)],
    };
    for (const [detail, texts] of Object.entries(tries)) assert.equal(await fault(...texts), `chain-broken: ${detail}`);
    const foreign = { ...act, iss: 'urn:headgate:edge' };
    assert.equal(await fault(earlier, signed({ ...second, act: foreign }, core)), 'chain-broken: its newest actor');
    assert.equal(
      await fault(earlier, signed({ ...second, prev: undefined }, core)),
      'chain-broken: it was not made from the one before it',
    );
  });
});
