import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually } from '../conformance/harness/gateway.ts';
import { present } from '../faults/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';
import { readStatus } from '../support/rpc-status.ts';
import { type Fields, JsClient } from './harness/js-client.ts';
import { PythonClient, type PythonFields } from './harness/python-client.ts';
import { callersPolicy, type InteropStage, openInterop } from './harness/stage.ts';
import { type Kind, type StreamsServer, servicePath, startStreamsServer } from './harness/streams-server.ts';

/** Why a call was refused, as grpc-js and grpcio-status read it from every engine. */
const few = `{ name: few, allow: callers, to: call, at: "streams/${servicePath}/Download", limits: [ { rate: 1/m, burst: 1, per: caller } ] }`;
const policy = callersPolicy('streams', [`${servicePath}/Unary`, `${servicePath}/Chat`], [few]);

for (const engine of present) describe(`errors that grpc-js and grpcio read from ${engine}`, () => suite(engine));

interface Told {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number;
}

function suite(engine: (typeof present)[number]): void {
  const opened = openedHere();
  let stage: InteropStage;
  let server: StreamsServer;
  let python: PythonClient;

  before(async () => {
    server = opened.adopt(await startStreamsServer(), (it) => it.close());
    const service = `streams: { endpoints: [127.0.0.1:${server.port}] }`;
    stage = await openInterop(opened, { engine, policy, service });
    python = opened.adopt(new PythonClient(), (it) => it.stop());
  });

  async function inNode(kind: Kind, key: Fields): Promise<Told | undefined> {
    using client = new JsClient(stage.gateway.port, key);
    const call = client.call(kind);
    call.end();
    const { code, details, trailing } = await call.ended;
    if (code === status.OK) return undefined;
    const [value] = trailing.get('grpc-status-details-bin');
    const { info, message, retryAfterSeconds } = readStatus((value as Buffer).toString('base64'));
    assert.equal(message, details);
    const [id] = trailing.get('x-headgate-request-id');
    assert.deepEqual([info.domain, info.metadata], ['headgate', { request_id: id }]);
    return { code, reason: info.reason, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }

  async function inPython(kind: Kind, key: Fields): Promise<Told | undefined> {
    const fields: PythonFields = Object.entries(key).map(([name, value]) => [name, String(value)] as const);
    const { code, told, initial, trailing } = await python.call(stage.gateway.port, fields, { kind });
    if (code === 'OK') return undefined;
    assert.ok(told !== null, `${kind} ${code}`);
    const { reason, domain, metadata, retryAfterSeconds } = told;
    const id = [...initial, ...trailing].find(([name]) => name === 'x-headgate-request-id')?.[1];
    assert.deepEqual([domain, metadata], ['headgate', { request_id: id }]);
    const named = status[code as keyof typeof status];
    return { code: named, reason, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }

  const clients = { inNode, inPython };

  test('who calls without a credential, or is let call nothing, is told so', async () => {
    for (const told of Object.values(clients))
      for (const kind of ['Unary', 'Chat'] as const) {
        assert.equal(await told(kind, stage.key), undefined);
        assert.deepEqual(await told(kind, {}), { code: status.UNAUTHENTICATED, reason: 'CREDENTIAL_MISSING' });
        const unknown = { authorization: 'Bearer nonsense' };
        assert.deepEqual(await told(kind, unknown), { code: status.UNAUTHENTICATED, reason: 'CREDENTIAL_MALFORMED' });
        assert.deepEqual(await told(kind, stage.stranger), {
          code: status.PERMISSION_DENIED,
          reason: 'NO_RULE_ALLOWS',
        });
      }
    assert.deepEqual(await inNode('Upload', stage.key), { code: status.PERMISSION_DENIED, reason: 'NO_RULE_ALLOWS' });
  });

  test('who has used up a limit is told when to come again', async () => {
    assert.equal(await inNode('Download', stage.key), undefined);
    const expected = { code: status.RESOURCE_EXHAUSTED, reason: 'LIMIT_EXCEEDED', retryAfterSeconds: 60 };
    for (const told of Object.values(clients)) assert.deepEqual(await told('Download', stage.key), expected);
  });

  test('that no replica can be reached is told with the time to wait', async () => {
    await server.close();
    const expected = { code: status.UNAVAILABLE, reason: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 1 };
    for (const told of Object.values(clients)) {
      // A connection that is on its way out may still take a call, and end it in its own way.
      await eventually(async () => ((await told('Unary', stage.key))?.reason === expected.reason ? true : 'not yet'));
      assert.deepEqual(await told('Unary', stage.key), expected);
    }
  });
}
