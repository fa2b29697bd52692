import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { serviceDefinition } from './grpc.ts';
import { type Replica, startReplica } from './model-server.ts';

/** A payment at night, from a new account. */
const strange = [900, 3, 20, 6];
/** A small one by day, from an old account. */
const ordinary = [20, 14, 1500, 0];

describe('sample model server', () => {
  let replica: Replica;

  before(async () => {
    replica = await startReplica({ rest: 0, grpc: 0, name: 'replica-1' });
  });

  after(() => replica.close());

  const call = async (path: string, body?: unknown): Promise<{ status: number; value: Record<string, unknown> }> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${replica.restPort}${path}`, init);
    return { status: response.status, value: (await response.json()) as Record<string, unknown> };
  };

  test('predicts rows and columns alike', async () => {
    const rows = await call('/v1/models/finance-prod:predict', { instances: [strange, ordinary] });
    const columns = await call('/v1/models/finance-prod:predict', { inputs: [strange, ordinary] });
    assert.equal(rows.status, 200);
    const [first, second] = rows.value.predictions as number[][];
    assert.equal(largest(first), 2, 'a strange payment is stopped');
    assert.equal(largest(second), 0, 'an ordinary payment clears');
    assert.deepEqual(columns.value.outputs, rows.value.predictions);
  });

  test('runs the version that is asked for, or the latest', async () => {
    const latest = await call('/v1/models/finance-prod:predict', { instances: [strange] });
    const fourth = await call('/v1/models/finance-prod/versions/4:predict', { instances: [strange] });
    const third = await call('/v1/models/finance-prod/versions/3:predict', { instances: [strange] });
    assert.deepEqual(latest.value, fourth.value);
    assert.notDeepEqual(latest.value, third.value);
  });

  test('classifies and regresses named features', async () => {
    const example = { income: 30_000, debt: 36_000, years_employed: 0, late_payments: 4 };
    const classified = await call('/v1/models/finance-credit:classify', { examples: [example] });
    const regressed = await call('/v1/models/finance-credit:regress', { examples: [example] });
    const [[, [label, share]]] = classified.value.results as [[[string, number], [string, number]]];
    assert.equal(label, 'default');
    assert.ok(share > 0.9);
    assert.deepEqual(regressed.value, { results: [share] });
  });

  test('says which versions are there, and what they take', async () => {
    const status = await call('/v1/models/finance-prod');
    const states = status.value.model_version_status as { version: string; state: string }[];
    assert.deepEqual(
      states.map(({ version, state }) => `${version} ${state}`),
      ['4 AVAILABLE', '3 AVAILABLE'],
    );
    const metadata = await call('/v1/models/finance-prod/versions/3/metadata');
    assert.deepEqual(metadata.value.model_spec, { name: 'finance-prod', signature_name: '', version: '3' });
  });

  test('refuses as TensorFlow Serving does', async () => {
    const cases: [string, unknown, number, string][] = [
      ['/v1/models/nobody:predict', { instances: [] }, 404, 'Servable not found for request: Latest(nobody)'],
      ['/v1/models/finance-prod:predict', {}, 400, "Missing 'inputs' or 'instances' key"],
      ['/v1/models/finance-prod:predict', [], 400, 'JSON Value: Request is not a JSON object'],
      ['/v1/models/finance-prod:explode', {}, 400, 'Malformed request: POST /v1/models/finance-prod:explode'],
    ];
    for (const [path, body, status, error] of cases)
      assert.deepEqual(await call(path, body), { status, value: { error } });
  });

  test('answers the same over gRPC', async () => {
    const rest = await call('/v1/models/finance-prod:predict', { instances: [strange] });
    const response = await grpc(replica.grpcPort, 'PredictionService', 'Predict', {
      model_spec: { name: 'finance-prod' },
      inputs: { inputs: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: 1 }, { size: 4 }] }, float_val: strange } },
    });
    const { outputs, model_spec } = response as {
      outputs: { probabilities: { float_val: number[] } };
      model_spec: { version: { value: string } };
    };
    assert.equal(model_spec.version.value, '4');
    const [expected] = rest.value.predictions as number[][];
    for (const [index, value] of outputs.probabilities.float_val.entries()) {
      assert.ok(Math.abs(value - (expected?.[index] ?? 0)) < 1e-6);
    }
  });

  test('gRPC: status, metadata and NOT_FOUND', async () => {
    const status = (await grpc(replica.grpcPort, 'ModelService', 'GetModelStatus', {
      model_spec: { name: 'finance-credit' },
    })) as { model_version_status: { version: string; state: string }[] };
    assert.deepEqual(
      status.model_version_status.map(({ version, state }) => [version, state]),
      [['1', 'AVAILABLE']],
    );
    const metadata = (await grpc(replica.grpcPort, 'PredictionService', 'GetModelMetadata', {
      model_spec: { name: 'finance-credit' },
      metadata_field: ['signature_def'],
    })) as { metadata: { signature_def: { type_url: string; value: Buffer } } };
    const { type_url, value } = metadata.metadata.signature_def;
    assert.equal(type_url, 'type.googleapis.com/tensorflow.serving.SignatureDefMap');
    assert.ok(value.includes('serving_default') && value.includes('tensorflow/serving/predict'));
    const missing = grpc(replica.grpcPort, 'ModelService', 'GetModelStatus', { model_spec: { name: 'nobody' } });
    await assert.rejects(missing, { code: 5 });
  });
});

function largest(row: readonly number[] = []): number {
  return row.indexOf(Math.max(...row));
}

function grpc(
  port: number,
  service: 'PredictionService' | 'ModelService',
  method: string,
  request: object,
): Promise<object> {
  const definition = serviceDefinition(service)[method];
  assert.ok(definition !== undefined);
  const ClientOf = makeGenericClientConstructor(serviceDefinition(service), service);
  const client: Client = new ClientOf(`127.0.0.1:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = definition;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (fault, value) => {
      client.close();
      if (fault === null) resolve(value as object);
      else reject(fault);
    });
  });
}
