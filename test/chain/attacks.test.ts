import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { assertionHash } from '../../src/identity/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { assertionBytesMax, chainBytesMax } from '../../src/std/limits.ts';
import { type Answer, field } from '../conformance/harness/client.ts';
import { engines, type Gateway } from '../conformance/harness/gateway.ts';
import type { CallerSpec } from '../conformance/harness/issuer.ts';
import { openedHere } from '../support/opened.ts';
import { signToken, stubKey } from '../support/stub-issuer.ts';
import {
  call,
  callWith,
  innerPolicy,
  openRow,
  passedOn,
  type Row,
  type Station,
  type Told,
  toldOf,
} from './harness/row.ts';

/** What somebody between two gateways may try, on each engine, and what comes of it. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

const ann = { subject: 'ann', groups: [] };
const orders = { client: 'orders' };
const ledger = { client: 'ledger' };

type Claims = Readonly<Record<string, unknown>>;
const claimsOf = ({ assertion }: Told): Claims => decodeJwt<Record<string, unknown>>(assertion);
const assertionOf = (text: string): string[] => ['x-headgate-assertion', text];

for (const name of present) {
  describe(`attacks on the chain, on ${name}`, () => {
    const opened = openedHere();
    let row: Row;
    let first: Told;
    let second: Told;
    before(async () => {
      row = await openRow(opened, name);
      first = toldOf(row.edge, await call(row, row.edge, ann));
      second = toldOf(row.core, await call(row, row.core, orders, passedOn(first)));
    });

    /** Refused alike to the client and in the audit, and nothing of it reaches the service. */
    const refused = async (station: Station, answer: Answer, status: number, reason: string): Promise<void> => {
      assert.equal(answer.status, status, answer.body);
      assert.equal(JSON.parse(answer.body).code, reason);
      assert.equal(answer.headers.includes('www-authenticate'), status === 401);
      const id = field(answer.headers, 'x-headgate-request-id') ?? '';
      const [record] = await recordsOf(station.gateway, id);
      assert.deepEqual([record?.core.outcome, record?.core.reason], ['deny', reason]);
      assert.equal(station.upstream.seen.has(id), false);
    };
    const tried = async (passed: readonly string[], status: number, reason: string, caller: CallerSpec = orders) => {
      // Twice, so that what is kept of a refusal says the same.
      for (let turn = 0; turn < 2; turn += 1)
        await refused(row.core, await call(row, row.core, caller, passed), status, reason);
    };
    /** What the edge signed for ann, with other claims, and by its own key unless another is given. */
    const minted = (changes: Claims, head: object = {}, key = row.edge.keys.signer): string =>
      signToken({ ...claimsOf(first), ...changes }, key, { typ: 'JWT', ...head });
    const nowSeconds = (): number => Math.floor(Date.now() / 1000);

    test('what the edge signs in the same form is believed: what follows is refused for what it changes', async () => {
      const told = toldOf(row.core, await call(row, row.core, orders, assertionOf(minted({}))));
      assert.equal(told.subject, 'ann');
    });

    test('an assertion that another caller got hold of', async () => {
      await tried(passedOn(first), 403, 'assertion-presenter', { subject: 'mallory', groups: ['orders-service'] });
      await tried(passedOn(first), 403, 'assertion-presenter', ledger);
      await tried(passedOn(second), 403, 'assertion-presenter', orders);
      const nobody = await callWith(row.core, passedOn(first));
      await refused(row.core, nobody, 403, 'assertion-presenter');
    });

    test('one made for a service that may not call on', async () => {
      await tried(assertionOf(minted({ aud: 'billing' })), 403, 'assertion-audience');
      await tried(assertionOf(minted({ aud: ['orders', 'billing'] })), 401, 'assertion-malformed');
    });

    test('forged ones', async () => {
      const [head = '', payload = '', signature = ''] = first.assertion.split('.');
      const other = Buffer.from(payload, 'base64url').toString().replace('"ann"', '"bob"');
      const swapped = `${head}.${Buffer.from(other).toString('base64url')}.${signature}`;
      await tried(assertionOf(swapped), 401, 'assertion-signature');
      const stranger = stubKey('stranger', 'EdDSA');
      await tried(assertionOf(minted({}, {}, stranger)), 401, 'assertion-signature');
      await tried(assertionOf(minted({}, { kid: row.edge.keys.signer.kid }, stranger)), 401, 'assertion-signature');
      await tried(assertionOf(minted({}, {}, row.core.keys.signer)), 401, 'assertion-signature');
      const elliptic = minted({}, { kid: row.edge.keys.signer.kid }, stubKey('x'));
      await tried(assertionOf(elliptic), 401, 'assertion-signature');
      const none = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`;
      await tried(assertionOf(none), 401, 'assertion-malformed');
      await tried(assertionOf(`${first.assertion}=`), 401, 'assertion-malformed');
      await tried(assertionOf('nonsense'), 401, 'assertion-malformed');
      await tried(assertionOf(''), 401, 'assertion-malformed');
    });

    test('one of a gateway that nobody believes', async () => {
      const evil = stubKey('evil', 'EdDSA');
      await tried(assertionOf(minted({ iss: 'urn:headgate:evil' }, {}, evil)), 401, 'assertion-issuer');
    });

    test('one that has ended, or has not begun; one that is no assertion', async () => {
      const nowS = nowSeconds();
      await tried(assertionOf(minted({ exp: nowS - 1 })), 401, 'assertion-expired');
      await tried(assertionOf(minted({ nbf: nowS + 300 })), 401, 'assertion-expired');
      for (const claim of ['sub_id', 'identity', 'jti', 'exp', 'nbf', 'iat', 'aud', 'iss'])
        await tried(assertionOf(minted({ [claim]: undefined })), 401, 'assertion-malformed');
      await tried(assertionOf(minted({}, { typ: 'at+jwt' })), 401, 'assertion-malformed');
      await tried(assertionOf(minted({}, { kid: undefined })), 401, 'assertion-malformed');
    });

    test('two of them in one request', async () => {
      const twice = [...passedOn(first), ...passedOn(first)];
      await tried(twice, 400, 'assertion-ambiguous');
      await tried([...passedOn(second), 'x-headgate-chain', first.assertion], 400, 'assertion-ambiguous');
      await tried(assertionOf(`${first.assertion}, ${first.assertion}`), 401, 'assertion-malformed');
    });

    test('huge ones', async () => {
      await tried(assertionOf('a'.repeat(assertionBytesMax + 1)), 401, 'assertion-malformed');
      await tried(
        [...assertionOf(first.assertion), 'x-headgate-chain', 'a'.repeat(chainBytesMax + 1)],
        401,
        'assertion-malformed',
      );
      await tried([...assertionOf(first.assertion), 'x-headgate-chain', ','.repeat(1000)], 508, 'chain-too-long');
    });

    test('a chain that somebody has cut, mended or lengthened', async () => {
      const bob = toldOf(row.edge, await call(row, row.edge, { subject: 'bob', groups: [] }));
      const lengthened = (claims: Claims, earlier = first, key = row.core.keys.signer) => [
        ...assertionOf(signToken({ ...claimsOf(second), ...claims }, key, { typ: 'JWT' })),
        ...['x-headgate-chain', earlier.assertion],
      ];
      const tries: readonly (readonly [readonly string[], number, string])[] = [
        [assertionOf(second.assertion), 401, 'chain-broken'],
        [['x-headgate-chain', first.assertion], 401, 'chain-broken'],
        [[...assertionOf(second.assertion), 'x-headgate-chain', bob.assertion], 401, 'chain-broken'],
        [[...assertionOf(second.assertion), 'x-headgate-chain', ''], 401, 'assertion-malformed'],
        // Even a gateway that is believed can't name a caller whom the first has not known, nor leave a service out.
        [lengthened({ sub_id: { format: 'iss_sub', iss: row.issuer.url, sub: 'root' } }), 401, 'chain-broken'],
        [lengthened({ act: undefined }), 401, 'chain-broken'],
        [lengthened({ prev: assertionHash(bob.assertion) }, bob), 401, 'chain-broken'],
        [lengthened({ exp: Number(decodeJwt(first.assertion).exp) + 1 }), 401, 'chain-broken'],
        [lengthened({ prev: undefined }), 401, 'chain-broken'],
        [lengthened({ iss: 'urn:headgate:evil' }, first, stubKey('evil', 'EdDSA')), 401, 'assertion-issuer'],
        [lengthened({}, first, stubKey('evil', 'EdDSA')), 401, 'assertion-signature'],
      ];
      for (const [passed, status, reason] of tries)
        await refused(row.inner, await call(row, row.inner, ledger, passed), status, reason);
    });

    test('a loop', async () => {
      await tried(passedOn(second), 508, 'chain-loop', ledger);
      const answer = await call(row, row.core, ledger, passedOn(second));
      const [record] = await recordsOf(row.core.gateway, field(answer.headers, 'x-headgate-request-id') ?? '');
      assert.equal(record?.core.caller?.subject, 'ledger');
    });

    test('a rule that reads who the call is made for', async () => {
      const readers = innerPolicy('hops: { ledger: ledger-service }').replace(
        'at: vault/** }',
        `at: vault/**, when: 'origin.subject == "ann"' }`,
      );
      await row.inner.gateway.swap(readers);
      assert.equal(toldOf(row.inner, await call(row, row.inner, ledger, passedOn(second))).subject, 'ann');
      await refused(row.inner, await call(row, row.inner, ledger), 403, 'no-rule-allows');
      const bob = toldOf(row.edge, await call(row, row.edge, { subject: 'bob', groups: [] }));
      const relayed = toldOf(row.core, await call(row, row.core, orders, passedOn(bob)));
      await refused(row.inner, await call(row, row.inner, ledger, passedOn(relayed)), 403, 'no-rule-allows');
    });

    test('a chain over the bound, and over another policy', async () => {
      await row.inner.gateway.swap(innerPolicy('hops: { ledger: ledger-service }, hopsMax: 1'));
      const answer = await call(row, row.inner, ledger, passedOn(second));
      await refused(row.inner, answer, 508, 'chain-too-long');
      await row.inner.gateway.swap(innerPolicy('hops: { ledger: orders-service }'));
      await refused(row.inner, await call(row, row.inner, ledger, passedOn(second)), 403, 'assertion-presenter');
      await row.inner.gateway.swap(innerPolicy('hops: { ledger: ledger-service }'));
      assert.equal(toldOf(row.inner, await call(row, row.inner, ledger, passedOn(second))).subject, 'ann');
    });
  });
}

function recordsOf(gateway: Gateway, id: string) {
  return gateway.records([id]);
}
