import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import type { EngineName } from '../../src/plan/types.ts';
import { engines } from '../conformance/harness/gateway.ts';
import type { CallerSpec } from '../conformance/harness/issuer.ts';
import { type GrpcEnd, RawGrpc } from '../support/grpc-client.ts';
import { predictPath } from '../support/grpc-scene.ts';
import { openedHere } from '../support/opened.ts';
import { frame, modelName, modelSpec } from '../support/protobuf-bytes.ts';
import { openRow, type Row, type Station } from './harness/row.ts';

/** The same down a chain of gRPC calls: metadata is passed on, and refusals are statuses. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

type Fields = Readonly<Record<string, string>>;
const ann = { subject: 'ann', groups: [] };
const orders = { client: 'orders' };
const ledger = { client: 'ledger' };
const chunks = [frame(modelSpec(modelName('demo')))];

for (const name of present) for (const protocol of ['tensorflow-serving', 'grpc'] as const) suite(name, protocol);

function suite(name: EngineName, protocol: 'tensorflow-serving' | 'grpc'): void {
  const path = protocol === 'grpc' ? '/acme.orders.v1.Orders/Get' : predictPath;
  describe(`identity down a chain of calls of ${protocol}, through ${name}`, () => {
    const opened = openedHere();
    let row: Row;
    before(async () => {
      row = await openRow(opened, name, { protocol });
    });

    const call = async (station: Station, caller: CallerSpec, passed: Fields = {}): Promise<GrpcEnd> => {
      using client = new RawGrpc(`http://127.0.0.1:${station.gateway.port}`);
      const [, authorization = ''] = row.issuer.credential(caller, 'valid');
      return await client.call(path, { chunks, headers: { authorization, ...passed } });
    };
    /** What the service behind it was sent of ours. */
    const through = async (station: Station, caller: CallerSpec, passed: Fields = {}): Promise<Fields> => {
      const end = await call(station, caller, passed);
      assert.equal(end.grpcStatus, '0', String(end.headers['grpc-message']));
      const ran = station.grpc.ran.at(-1) ?? assert.fail('nothing ran');
      const ours = Object.entries(ran.headers).filter(([field]) => /^x-headgate-(assertion|chain)$/.test(field));
      return Object.fromEntries(ours.map(([field, value]) => [field, String(value)]));
    };

    test('the third service sees the first caller and both services between, missed and kept', async () => {
      for (let turn = 0; turn < 2; turn += 1) {
        const first = await through(row.edge, ann);
        assert.deepEqual(Object.keys(first), ['x-headgate-assertion']);
        const second = await through(row.core, orders, first);
        const third = await through(row.inner, ledger, second);
        const assertions = [first, second].map((each) => each['x-headgate-assertion']);
        assert.equal(third['x-headgate-chain'], assertions.join(','));
        const claims = decodeJwt(third['x-headgate-assertion'] ?? '');
        assert.equal((claims.sub_id as { sub: string }).sub, 'ann');
        const act = claims.act as { service: string; act: { service: string } };
        assert.deepEqual([act.service, act.act.service], ['ledger', 'orders']);
      }
    });

    test('what is refused has its status, and says why', async () => {
      const first = await through(row.edge, ann);
      const second = await through(row.core, orders, first);
      const { 'x-headgate-assertion': newest = '' } = second;
      const tries = [
        [row.core, orders, { 'x-headgate-assertion': `${newest}x` }, '16', 'not well-formed'],
        [row.inner, ledger, { 'x-headgate-assertion': newest }, '16', 'Pass on both fields'],
        [row.core, ledger, first, '7', 'not the service that the assertion'],
        [row.core, ledger, second, '9', 'has been at this service already'],
      ] as const;
      for (const [station, caller, passed, status, words] of tries) {
        const count = station.grpc.ran.length;
        const end = await call(station, caller, passed);
        assert.equal(end.grpcStatus, status);
        assert.match(String(end.headers['grpc-message']), new RegExp(words));
        assert.equal(station.grpc.ran.length, count);
      }
    });
  });
}
