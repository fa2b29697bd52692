import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { serviceDefinition } from '../../demo/grpc.ts';
import { type Replica, startReplica } from '../../demo/model-server.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { type GrpcUpstream, startGrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { readStatus } from '../support/rpc-status.ts';
import { engines, type Gateway, startGateway } from './harness/gateway.ts';

/** The client that Node's programs use, through every engine that serves gRPC, to the sample model server. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
services:
  scoring: { protocol: tensorflow-serving, models: { finance-prod: {}, finance-credit: {} } }
rules:
  - { name: anyone asks, allow: anyone, to: [predict, status], at: scoring/finance-prod }
`;
const methods = serviceDefinition('PredictionService');

interface Called {
  readonly value?: Record<string, unknown>;
  readonly fault?: ServiceError;
}

function predict(port: number, model: string, metadata: Readonly<Record<string, string>> = {}): Promise<Called> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const fields = new Metadata();
  for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
  const { path, requestSerialize, responseDeserialize } = methods.Predict ?? assert.fail('no Predict');
  const inputs = {
    inputs: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: 1 }, { size: 4 }] }, float_val: [5, 3, 1, 0.2] },
  };
  const request = { model_spec: { name: model }, inputs };
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, fields, (fault, value) => {
      client.close();
      resolve(fault === null ? { value: value as Record<string, unknown> } : { fault });
    });
  });
}

for (const name of present.filter((each) => engines[each].capabilities.grpc !== 'refused')) {
  describe(`a client of grpc-js on ${name}`, () => {
    const opened = openedHere();
    let replica: Replica;
    let odd: GrpcUpstream;
    let gateway: Gateway;
    let oddGateway: Gateway;

    before(async () => {
      replica = opened.adopt(await startReplica({ rest: 0, grpc: 0, name: 'replica' }), (it) => it.close());
      odd = opened.adopt(await startGrpcUpstream(), (it) => it.close());
      const bindings = { environment: 'prod', issuers: ['http://127.0.0.1:1'] };
      const start = async (rest: number, grpc: number) => {
        const started = await startGateway(name, policy, { ...bindings, upstreamPorts: [rest], grpcPorts: [grpc] });
        return opened.adopt(started, (it) => it.stop());
      };
      gateway = await start(replica.restPort, replica.grpcPort);
      oddGateway = await start(1, odd.port);
    });

    test('predicts', async () => {
      const { value, fault } = await predict(gateway.port, 'finance-prod');
      assert.ok(value !== undefined, fault?.message);
      assert.deepEqual(Object.keys(value).toSorted(), ['model_spec', 'outputs']);
    });

    test('is told why it is refused, with the id of the request', async () => {
      const { fault } = await predict(gateway.port, 'finance-credit');
      assert.equal(fault?.code, status.UNAUTHENTICATED);
      assert.match(fault.details, /^This call needs a credential and the request carries none\. \(\S+\)$/);
      const [id] = fault.metadata.get('x-headgate-request-id');
      assert.ok(fault.details.endsWith(`(${String(id)})`));
      const [details] = fault.metadata.get('grpc-status-details-bin');
      assert.deepEqual(readStatus((details as Buffer).toString('base64')), {
        code: fault.code,
        message: fault.details,
        info: { reason: 'CREDENTIAL_MISSING', domain: 'headgate', metadata: { request_id: id } },
      });
    });

    test("makes a status of the service's HTTP error, as gRPC says", async () => {
      const codes = [
        [400, status.INTERNAL],
        [401, status.UNAUTHENTICATED],
        [403, status.PERMISSION_DENIED],
        [404, status.UNIMPLEMENTED],
        [429, status.UNAVAILABLE],
        [503, status.UNAVAILABLE],
        [500, status.UNKNOWN],
      ] as const;
      for (const [http, code] of codes) {
        const { fault } = await predict(oddGateway.port, 'finance-prod', { 'x-answer': `http:${http}` });
        assert.equal(fault?.code, code, `${http}`);
      }
    });
  });
}
