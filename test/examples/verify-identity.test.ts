import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { loadGateKeys } from '../../src/gate/index.ts';
import { assertionHash } from '../../src/identity/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { systemClock } from '../../src/std/clock.ts';
import { startTestIssuer, type TestIssuer } from '../conformance/harness/issuer.ts';
import { FaultGateway, present } from '../faults/harness/gateway.ts';
import { type GrpcEnd, RawGrpc } from '../support/grpc-client.ts';
import { openedHere } from '../support/opened.ts';
import { frame } from '../support/protobuf-bytes.ts';
import { type StubKey, signToken, stubKey } from '../support/stub-issuer.ts';
import { PythonService } from './harness/python-service.ts';

/** The example in Python: two gateways as people start them, and its service behind each. */
const python = process.env.HEADGATE_EXAMPLES_PYTHON ?? assert.fail('node scripts/test.ts says where Python is');

const policyOf = (service: string, relay = '', groups = '') => `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
${relay}
groups:
  everybody: { staff: any }
${groups}
services:
  ${service}: { protocol: grpc }
rules:
  - { name: everybody calls, allow: everybody, to: call, at: ${service}/** }
`;
const edgePolicy = policyOf('orders');
const corePolicy = policyOf(
  'ledger',
  '  relay: { headgate: { hops: { orders: orders-service } } }',
  '  orders-service: { staff: { client: orders } }',
);

const edgeIssuer = 'urn:headgate:dev:edge';
const coreIssuer = 'urn:headgate:dev:core';
const keysOf = ({ adminPort }: FaultGateway): string => `http://127.0.0.1:${adminPort}/.well-known/jwks.json`;
const serviceLine = (name: string, port: number): string => `services: { ${name}: { endpoints: [127.0.0.1:${port}] } }`;

type Fields = Readonly<Record<string, string>>;

async function ask(port: number, fields: Fields): Promise<GrpcEnd> {
  using client = new RawGrpc(`http://127.0.0.1:${port}`);
  return await client.call('/acme.ledger.v1.Ledger/Post', { chunks: [frame(Buffer.from('entry'))], headers: fields });
}

/** What the service answers, as JSON. */
function answerOf(end: GrpcEnd): Record<string, unknown> {
  assert.equal(end.grpcStatus, '0', String(end.headers['grpc-message'] ?? end.trailers?.['grpc-message']));
  return JSON.parse(end.body.subarray(5).toString()) as Record<string, unknown>;
}

async function signerOf({ folder }: FaultGateway): Promise<StubKey> {
  const { keyId: kid, privateKey } = (await loadGateKeys(folder, systemClock)).signer();
  return { kid, alg: 'EdDSA', privateKey, publicKey: privateKey };
}

for (const engine of present) suite(engine);

function suite(engine: EngineName): void {
  describe(`examples/verify-identity behind ${engine}`, () => {
    const opened = openedHere();
    let issuer: TestIssuer;
    let edge: FaultGateway;
    let core: FaultGateway;
    let ledger: PythonService;

    before(async () => {
      issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
      const folder = await mkdtemp(join(tmpdir(), 'hg-example-'));
      opened.defer(() => rm(folder, { recursive: true, force: true }));
      const credential = join(folder, 'orders.token');
      await writeFile(credential, issuer.credential({ client: 'orders' }, 'valid')[1]?.replace('Bearer ', '') ?? '');
      edge = await made({ engine: 'embedded', policy: edgePolicy, bindings: [] });
      core = await made({ engine, policy: corePolicy, bindings: [] });
      const keys = [`--keys=${edgeIssuer}=${keysOf(edge)}`, `--keys=${coreIssuer}=${keysOf(core)}`];
      ledger = await service('--service=ledger', `--front=${coreIssuer}`, ...keys);
      const onward = [`--next=127.0.0.1:${core.port}`, `--credential=${credential}`];
      const orders = await service('--service=orders', `--front=${edgeIssuer}`, ...keys, ...onward);
      const staff = `staff: { issuer: ${issuer.url} }`;
      const gateways = `relay: { gateways: [{ issuer: ${edgeIssuer}, keys: ${keysOf(edge)} }] }`;
      await edge.writeBindings(['gateway: edge', `identity: { ${staff} }`, serviceLine('orders', orders.port)]);
      await core.writeBindings([
        'gateway: core',
        `identity: { ${staff}, ${gateways} }`,
        serviceLine('ledger', ledger.port),
      ]);
      // One after the other: each has so long to start, also where much else runs.
      await edge.start();
      await core.start();
    });

    async function made(options: Parameters<typeof FaultGateway.make>[0]): Promise<FaultGateway> {
      return opened.adopt(await FaultGateway.make(options), (it) => it.remove());
    }

    async function service(...args: readonly string[]): Promise<PythonService> {
      return opened.adopt(await PythonService.start(python, args), (it) => it.stop());
    }

    const asAnn = (): Fields => ({ authorization: issuer.credential({ subject: 'ann' }, 'valid')[1] ?? '' });

    test('the second service knows the first caller, and by way of whom', async () => {
      const found = answerOf(await ask(edge.port, asAnn()));
      assert.deepEqual([found.caller, found.issuer, found.hops], ['ann', issuer.url, ['orders']]);
      const direct = answerOf(await ask(core.port, asAnn()));
      assert.deepEqual([direct.caller, direct.hops], ['ann', []]);
      assert.equal(direct.id, found.id);
    });

    test('what is not proven is refused by the service itself', async () => {
      const [edgeKey, coreKey] = [await signerOf(edge), await signerOf(core)];
      const nowS = Math.floor(Date.now() / 1000);
      const subject = (sub: string) => ({ format: 'iss_sub', iss: issuer.url, sub });
      const times = { iat: nowS, nbf: nowS, exp: nowS + 60, jti: 'j' };
      const signed = (claims: object, key: StubKey): string => signToken({ ...times, ...claims }, key, { typ: 'JWT' });
      const first = { iss: edgeIssuer, aud: 'orders', sub: 'a', sub_id: subject('ann') };
      const earlier = signed(first, edgeKey);
      const act = { iss: coreIssuer, sub: 'o', sub_id: subject('orders'), service: 'orders' };
      const second = {
        iss: coreIssuer,
        aud: 'ledger',
        sub: 'A',
        sub_id: subject('ann'),
        act,
        prev: assertionHash(earlier),
      };
      const fields = (assertion: string, chain?: string): Fields => ({
        'x-headgate-assertion': assertion,
        ...(chain !== undefined && { 'x-headgate-chain': chain }),
      });
      const good = await ask(ledger.port, fields(signed(second, coreKey), earlier));
      assert.deepEqual(answerOf(good).hops, ['orders']);
      const bad: readonly Fields[] = [
        {},
        fields(signed(second, coreKey)),
        fields(signed({ ...second, aud: 'vault' }, coreKey), earlier),
        fields(signed({ ...second, exp: nowS - 60 }, coreKey), earlier),
        fields(signed({ ...second, exp: undefined }, coreKey), earlier),
        fields(signed({ ...second, sub_id: subject('root') }, coreKey), earlier),
        fields(signed({ ...second, act: undefined }, coreKey), earlier),
        fields(signed({ ...second, act: { ...act, service: 'vault' } }, coreKey), earlier),
        fields(signed(second, stubKey(coreKey.kid, 'EdDSA')), earlier),
        fields(signed(second, coreKey), signed({ ...first, sub_id: subject('bob') }, edgeKey)),
        fields(signed(second, coreKey), `${earlier},${earlier}`),
        fields(signed({ ...first, aud: 'ledger' }, edgeKey)),
        fields(signed({ ...second, iss: 'urn:headgate:evil' }, coreKey), earlier),
        fields('nonsense'),
        fields('a.b.c', ','.repeat(2000)),
      ];
      for (const each of bad) {
        const end = await ask(ledger.port, each);
        assert.equal(end.grpcStatus, '16', JSON.stringify(each));
      }
    });
  });
}
