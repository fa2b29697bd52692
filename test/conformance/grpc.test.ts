import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type GrpcEnd, RawGrpc } from '../support/grpc-client.ts';
import { type GrpcUpstream, type Ran, startGrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { reasonTold } from '../support/rpc-status.ts';
import { engines, type Gateway, startGateway } from './harness/gateway.ts';
import { chunksOf, type GrpcCaseCall, type GrpcCaseFile, pathOf, readGrpcCases } from './harness/grpc-case.ts';
import { startTestIssuer, type TestIssuer } from './harness/issuer.ts';

/** gRPC on every engine: what the client gets, what a real parser of a replica ran, and what the audit says. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

for (const file of readGrpcCases(join(import.meta.dirname, 'grpc-cases'))) {
  for (const name of present) suite(file, name);
}

interface Stage {
  readonly file: GrpcCaseFile;
  readonly issuer: TestIssuer;
  readonly upstreams: readonly GrpcUpstream[];
  readonly gateway: Gateway;
  readonly client: RawGrpc;
}

function suite(file: GrpcCaseFile, name: EngineName): void {
  describe(`${file.name} on ${name}`, () => {
    const opened = openedHere();
    let stage: Stage;

    before(async () => {
      const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
      const upstreams: GrpcUpstream[] = [];
      for (let count = 0; count < 2; count += 1) {
        upstreams.push(opened.adopt(await startGrpcUpstream(), (it) => it.close()));
      }
      const gateway = await startGateway(name, file.policy, {
        environment: 'prod',
        issuers: [issuer.url],
        upstreamPorts: [1, 2],
        grpcPorts: upstreams.map(({ port }) => port),
        ...(file.body !== undefined && { body: file.body }),
      });
      opened.defer(() => gateway.stop());
      const client = opened.use(new RawGrpc(`http://127.0.0.1:${gateway.port}`));
      stage = { file, issuer, upstreams, gateway, client };
    });

    // Once an engine serves gRPC, its capability has to say so: this fails then.
    if (engines[name].capabilities.grpc === 'refused') test('no call is served', () => refused(stage));
    else for (const { name: title, calls } of file.cases) test(title, () => inTurn(stage, calls));
  });
}

async function inTurn(stage: Stage, calls: readonly GrpcCaseCall[]): Promise<void> {
  for (const call of calls) await runCall(stage, call);
}

async function refused(stage: Stage): Promise<void> {
  const [first] = stage.file.cases[0]?.calls ?? [];
  assert.ok(first !== undefined);
  const { end, ran } = await make(stage, first);
  assert.deepEqual([end.grpcStatus, ran.length], [undefined, 0]);
}

async function make(
  stage: Stage,
  call: GrpcCaseCall,
): Promise<{ readonly end: GrpcEnd; readonly ran: readonly Ran[] }> {
  const before = stage.upstreams.map(({ ran }) => ran.length);
  const headers = { ...call.headers, ...credentialOf(stage, call) };
  const end = await stage.client.call(pathOf(call), { chunks: chunksOf(call), headers });
  const ran = stage.upstreams.flatMap((upstream, index) => upstream.ran.slice(before[index]));
  return { end, ran };
}

function credentialOf({ file, issuer }: Stage, { as }: GrpcCaseCall): Record<string, string> {
  if (as === undefined) return {};
  const caller = file.callers[as];
  assert.ok(caller !== undefined, `the file names no caller ${as}`);
  const [, authorization = ''] = issuer.credential(caller, 'valid');
  return { authorization };
}

async function runCall(stage: Stage, call: GrpcCaseCall): Promise<void> {
  const { end, ran } = await make(stage, call);
  const { expect } = call;
  const told = `${end.headers['grpc-message'] ?? ''} (HTTP ${end.status}, reset ${end.reset})`;
  assert.equal(end.grpcStatus, String(expect.grpcStatus), told);
  const id = String(end.headers['x-headgate-request-id']);
  if (expect.code !== undefined) checkRefusal(end, { id, code: expect.code });
  assert.deepEqual(
    ran.map(({ models }) => models),
    expect.ran === undefined ? [] : [expect.ran],
  );
  for (const [name, value] of Object.entries(expect.saw ?? {})) {
    assert.equal(
      ran[0]?.headers[name] ?? null,
      value === '*' ? (ran[0]?.headers[name] ?? assert.fail(name)) : value,
      name,
    );
  }
  const [record] = await stage.gateway.records([id]);
  assert.ok(record !== undefined);
  const { core } = record;
  assert.deepEqual([core.status, core.method, core.path], [200, 'POST', pathOf(call)]);
  assert.equal(core.grpcStatus, expect.code === undefined ? null : expect.grpcStatus);
  const wanted = { ...(expect.rule && { rule: expect.rule }), ...expect.audit, reason: expect.code ?? 'rule-allows' };
  for (const [name, value] of Object.entries(wanted)) {
    assert.deepEqual({ [name]: core[name as keyof typeof core] }, { [name]: value });
  }
}

function checkRefusal(end: GrpcEnd, { id, code }: { readonly id: string; readonly code: string }): void {
  assert.deepEqual([end.status, end.isTrailersOnly, end.body.length], [200, true, 0]);
  assert.equal(end.headers['content-type'], 'application/grpc');
  assert.ok(String(end.headers['grpc-message']).endsWith(` (${id})`));
  assert.equal(reasonTold(end), code.toUpperCase().replaceAll('-', '_'));
}
