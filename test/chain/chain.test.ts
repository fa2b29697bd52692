import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { readIdKey } from '../../src/gate/index.ts';
import { assertionHash, subjectId } from '../../src/identity/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { field } from '../conformance/harness/client.ts';
import { engines } from '../conformance/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';
import { call, openRow, passedOn, type Row, type Station, type Told, toldOf } from './harness/row.ts';

/** Two and three gateways in a row, each of them real, with the services between them. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

const ann = { subject: 'ann', groups: ['staff', 'leads'] };
const orders = { client: 'orders' };
const ledger = { client: 'ledger' };

for (const name of present) {
  describe(`identity down the chain, through ${name}`, () => {
    const opened = openedHere();
    let row: Row;
    before(async () => {
      row = await openRow(opened, name);
    });

    const throughEdge = async (caller = ann): Promise<Told> => toldOf(row.edge, await call(row, row.edge, caller));
    const throughCore = async (first: Told): Promise<Told> =>
      toldOf(row.core, await call(row, row.core, orders, passedOn(first)));
    const verified = async ({ name: of, keys }: Station, text: string, audience: string) => {
      const jwks = createRemoteJWKSet(new URL(keys.url));
      const { payload } = await jwtVerify(text, jwks, {
        ...{ issuer: `urn:headgate:${of}`, audience, algorithms: ['EdDSA'], typ: 'JWT' },
      });
      return payload;
    };

    test('the second service sees who called the first, and the first as the one who called on', async () => {
      const first = await throughEdge();
      assert.deepEqual(first.chain, []);
      const told = await throughCore(first);
      assert.equal(told.subject, 'ann');
      assert.equal(told.issuer, row.issuer.url);
      const claims = await verified(row.core, told.assertion, 'ledger');
      const idKey = (await readIdKey(row.core.gateway.folder))?.reveal() ?? assert.fail('no id key');
      assert.equal(claims.sub, subjectId(idKey, row.issuer.url, 'ann'));
      assert.deepEqual(claims.sub_id, { format: 'iss_sub', iss: row.issuer.url, sub: 'ann' });
      assert.deepEqual(claims.groups, ['leads', 'staff']);
      assert.deepEqual(claims.act, {
        iss: 'urn:headgate:core',
        sub: subjectId(idKey, row.issuer.url, 'orders'),
        sub_id: { format: 'iss_sub', iss: row.issuer.url, sub: 'orders' },
        service: 'orders',
      });
      assert.deepEqual(told.chain, [first.assertion]);
      assert.equal(claims.prev, assertionHash(first.assertion));
      assert.ok(Number(claims.exp) <= Number(decodeJwt(first.assertion).exp));
    });

    test('a caller has one id at a gateway, however the call comes', async () => {
      const direct = toldOf(row.core, await call(row, row.core, ann));
      const relayed = await throughCore(await throughEdge());
      assert.equal(decodeJwt(direct.assertion).sub, decodeJwt(relayed.assertion).sub);
      assert.equal(decodeJwt(direct.assertion).act, undefined);
      assert.deepEqual(direct.chain, []);
    });

    test('the third sees every hop, each signed by the gateway that it came by', async () => {
      const first = await throughEdge();
      const second = await throughCore(first);
      const told = toldOf(row.inner, await call(row, row.inner, ledger, passedOn(second)));
      assert.equal(told.subject, 'ann');
      assert.deepEqual(told.chain, [first.assertion, second.assertion]);
      const claims = await verified(row.inner, told.assertion, 'vault');
      const act = claims.act as Record<string, unknown>;
      assert.deepEqual([act.iss, act.service], ['urn:headgate:inner', 'ledger']);
      assert.deepEqual(act.act, decodeJwt(second.assertion).act);
      assert.equal(claims.prev, assertionHash(second.assertion));
      await verified(row.core, second.assertion, 'ledger');
      await verified(row.edge, first.assertion, 'orders');
      const sizes = [first, second, told].map((each) => each.assertion.length + each.chain.join(',').length);
      // What docs/identity-chain.md says of sizes, with room for longer names.
      assert.ok((sizes[0] ?? 0) < 700 && (sizes[1] ?? 0) < 1700 && (sizes[2] ?? 0) < 3000, sizes.join(', '));
    });

    test('the audit says for whom, and by way of whom', async () => {
      const answer = await call(row, row.inner, ledger, passedOn(await throughCore(await throughEdge())));
      const id = field(answer.headers, 'x-headgate-request-id') ?? '';
      const [record] = await row.inner.gateway.records([id]);
      assert.equal(record?.core.caller?.subject, 'ledger');
      assert.deepEqual(record?.core.caller?.chain, [
        { issuer: row.issuer.url, subject: 'ann' },
        { issuer: row.issuer.url, subject: 'orders', service: 'orders' },
      ]);
    });

    test('what is kept of one is never told of another', async () => {
      const people = ['bob', 'eve', 'dan'].map((subject) => ({ subject, groups: [] }));
      const firsts = await Promise.all(people.map((each) => throughEdge(each)));
      for (let turn = 0; turn < 4; turn += 1) {
        for (const [index, { subject }] of people.entries()) {
          const told = await throughCore(firsts[index] ?? assert.fail());
          assert.equal(told.subject, subject);
          assert.equal((decodeJwt(told.assertion).sub_id as { sub: string }).sub, subject);
        }
        const own = toldOf(row.core, await call(row, row.core, orders));
        assert.deepEqual([own.subject, own.chain], ['orders', []]);
      }
      assert.ok((await row.core.gateway.status()).keptDecisions > people.length);
    });

    test('calls that the assisting side carries say the same', async () => {
      await using held = new AsyncDisposableStack();
      const queued = await openRow(held, name, { service: ['queue: { inFlight: 2, waiting: 9, wait: 10s }'] });
      const first = toldOf(queued.edge, await call(queued, queued.edge, ann));
      for (let turn = 0; turn < 2; turn += 1) {
        const told = toldOf(queued.core, await call(queued, queued.core, orders, passedOn(first)));
        assert.deepEqual([told.subject, told.chain], ['ann', [first.assertion]]);
        assert.equal(decodeJwt(told.assertion).prev, assertionHash(first.assertion));
      }
      const own = toldOf(queued.core, await call(queued, queued.core, orders));
      assert.deepEqual([own.subject, own.chain], ['orders', []]);
    });

    test('where no gateway is believed, both fields are removed', async () => {
      const first = await throughEdge();
      const passed = ['X-Headgate-Assertion', first.assertion, 'X_Headgate_Chain', 'a', 'x-headgate-chain', 'b'];
      const told = toldOf(row.edge, await call(row, row.edge, orders, passed));
      assert.equal(told.subject, 'orders');
      assert.notEqual(told.assertion, first.assertion);
      assert.deepEqual(told.chain, []);
    });
  });
}
