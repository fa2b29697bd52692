import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type GrpcEnd, RawGrpc } from '../support/grpc-client.ts';
import { type GrpcUpstream, type Ran, startGrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { frame } from '../support/protobuf-bytes.ts';
import { engines, type Gateway, startGateway } from './harness/gateway.ts';
import { startTestIssuer, type TestIssuer } from './harness/issuer.ts';
import { withKeyTexts } from './harness/keys.ts';
import { type MethodCaseCall, type MethodCaseFile, readMethodCases } from './harness/method-case.ts';

/** Any gRPC service on every engine: what the client gets, what the service got, and what the audit says. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

for (const file of readMethodCases(join(import.meta.dirname, 'method-cases')))
  for (const name of present) describe(`${file.name} on ${name}`, () => suite(file, name));

interface Stage {
  readonly file: MethodCaseFile;
  readonly issuer: TestIssuer;
  readonly upstream: GrpcUpstream;
  readonly gateway: Gateway;
  readonly client: RawGrpc;
}

function suite(file: MethodCaseFile, name: EngineName): void {
  const opened = openedHere();
  let stage: Stage;

  before(async () => {
    const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
    const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
    const bindings = {
      ...{ environment: 'prod', issuers: [issuer.url], upstreamPorts: [] },
      ...{ grpcPorts: [upstream.port], serviceName: file.service },
    };
    const gateway = await startGateway(name, file.policy, bindings, { keys: file.keys });
    opened.defer(() => gateway.stop());
    const client = opened.use(new RawGrpc(`http://127.0.0.1:${gateway.port}`));
    stage = { file, issuer, upstream, gateway, client };
  });

  for (const { name: title, calls } of file.cases)
    test(title, async () => {
      for (const call of calls) await runCall(stage, call);
    });
}

function pathOf({ file }: Stage, { call }: MethodCaseCall): string {
  return call.startsWith('/') ? call : `/${file.package}.${call}`;
}

async function make(stage: Stage, call: MethodCaseCall): Promise<{ end: GrpcEnd; ran: readonly Ran[] }> {
  const before = stage.upstream.ran.length;
  const headers = Object.fromEntries(
    Object.entries({ ...credentialOf(stage, call), ...call.headers }).map(([name, value]) => [
      name,
      withKeyTexts(value, stage.gateway.keys),
    ]),
  );
  const chunks = call.messages.map((bytes) => frame(Buffer.alloc(bytes, 7)));
  const end = await stage.client.call(pathOf(stage, call), { chunks, headers });
  return { end, ran: stage.upstream.ran.slice(before) };
}

function credentialOf({ file, issuer }: Stage, { as, form }: MethodCaseCall): Record<string, string> {
  if (as === undefined) return {};
  const caller = file.callers[as];
  assert.ok(caller !== undefined, `the file names no caller ${as}`);
  const { subject, groups, client } = caller;
  const spec = { ...(subject && { subject }), ...(groups && { groups }), ...(client && { client }) };
  const [, authorization] = issuer.credential(spec, form);
  return authorization === undefined ? {} : { authorization };
}

async function runCall(stage: Stage, call: MethodCaseCall): Promise<void> {
  let made = await make(stage, call);
  for (let turn = 1; turn < call.times; turn += 1) made = await make(stage, call);
  const { end, ran } = made;
  const { expect } = call;
  const told = `${end.headers['grpc-message'] ?? ''} (HTTP ${end.status}, reset ${end.reset}) ${end.body}`;
  assert.equal(end.status, expect.status, told);
  assert.equal(end.grpcStatus, expect.grpcStatus === undefined ? undefined : String(expect.grpcStatus), told);
  const id = String(end.headers['x-headgate-request-id']);
  if (expect.code !== undefined) checkRefusal(end, expect.status, id);
  for (const [name, value] of Object.entries(expect.headers ?? {})) assert.equal(end.headers[name], value, name);
  checkRan(stage, call, ran);
  const [record] = await stage.gateway.records([id]);
  assert.ok(record !== undefined);
  const { core } = record;
  const isRefusedCall = expect.code !== undefined && expect.grpcStatus !== undefined;
  const wanted = {
    ...{ status: expect.status, path: pathOf(stage, call), reason: expect.code ?? 'rule-allows' },
    ...{ grpcStatus: isRefusedCall ? expect.grpcStatus : null },
    ...(expect.rule && { rule: expect.rule }),
    ...expect.audit,
  };
  for (const [name, value] of Object.entries(wanted))
    assert.deepEqual({ [name]: core[name as keyof typeof core] }, { [name]: value });
}

/** A call that passes comes as it was sent; one that is refused doesn't come. */
function checkRan(stage: Stage, call: MethodCaseCall, ran: readonly Ran[]): void {
  const { expect } = call;
  const bytes = call.messages.reduce((sum, each) => sum + 5 + each, 0);
  assert.deepEqual(
    ran.map((each) => [each.path, each.bytes]),
    expect.code === undefined ? [[pathOf(stage, call), bytes]] : [],
  );
  for (const [name, value] of Object.entries(expect.saw ?? {})) {
    const seen = ran[0]?.headers[name] ?? null;
    if (value === '*') assert.notEqual(seen, null, name);
    else assert.deepEqual(seen, value, name);
  }
}

function checkRefusal(end: GrpcEnd, status: number, id: string): void {
  if (status !== 200) {
    assert.equal(end.headers['content-type'], 'application/problem+json');
    return;
  }
  assert.deepEqual([end.isTrailersOnly, end.body.length], [true, 0]);
  assert.equal(end.headers['content-type'], 'application/grpc');
  assert.ok(String(end.headers['grpc-message']).endsWith(` (${id})`));
}
