import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { present } from '../faults/harness/gateway.ts';
import { openTls } from '../support/certificate.ts';
import { openedHere } from '../support/opened.ts';
import { type GoClientTarget, type GoServer, goClientFails, startGoServer } from './harness/grpc-go.ts';
import { type GoCase, goCases } from './harness/grpc-go-cases.ts';
import type { Fields } from './harness/js-client.ts';
import { startNamedServer } from './harness/named-server.ts';
import { callersPolicy, type InteropStage, openInterop } from './harness/stage.ts';

/** grpc-go's interop client and server: beside each other, and through every engine with an identity and a rule for each method. */
const methods = ['EmptyCall', 'UnaryCall', 'StreamingInputCall', 'StreamingOutputCall', 'FullDuplexCall'];
const policy = callersPolicy(
  'interop',
  [
    ...[...methods, 'UnimplementedCall'].map((method) => `grpc.testing.TestService/${method}`),
    'grpc.testing.UnimplementedService/UnimplementedCall',
  ],
  // The client's own balancer asks for load reports, and sends no metadata with that.
  ['{ name: load reports, allow: anyone, to: call, at: interop/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics }'],
);

describe("grpc-go's interop client to its own server", () => {
  const opened = openedHere();
  let server: GoServer;

  before(async () => {
    server = opened.adopt(await startGoServer(), (it) => it.close());
  });

  test('passes every case', () => passesAll(server));
});

for (const engine of present)
  for (const isSecure of [false, true])
    describe(`grpc-go's interop client on ${engine}, ${isSecure ? 'over TLS with a token' : 'h2c with an API key'}`, () =>
      suite(engine, isSecure));

function suite(engine: (typeof present)[number], isSecure: boolean): void {
  const opened = openedHere();
  let stage: InteropStage;
  let target: GoClientTarget;

  before(async () => {
    const server = opened.adopt(await startGoServer(), (it) => it.close());
    const tls = isSecure ? openTls(opened) : undefined;
    const service = `interop: { endpoints: [127.0.0.1:${server.port}] }`;
    stage = await openInterop(opened, { engine, policy, service, ...(tls && { tls: tls.files }) });
    target = { port: stage.gateway.port, ...(tls && { ca: tls.files.certificate }) };
  });

  test('passes every case', () => passesAll({ ...target, metadata: metadataOf(isSecure ? stage.token : stage.key) }));

  test('is refused where it has no identity, or one that no rule names', async () => {
    const calls = goCases.filter(({ name }) => ['empty_unary', 'ping_pong'].includes(name));
    for (const { name } of calls) {
      // Where the refusal is there before its first message, grpc-go says EOF to who sends, and the status to who reads next.
      const isEof = (why: string): boolean => name === 'ping_pong' && why.includes('has error EOF while sending');
      const unknown = (await goClientFails(name, target)) ?? '';
      assert.ok(isEof(unknown) || /Unauthenticated/.test(unknown), unknown.slice(0, 500));
      const metadata = metadataOf(stage.stranger);
      const stranger = (await goClientFails(name, { ...target, metadata })) ?? '';
      assert.ok(isEof(stranger) || /PermissionDenied/.test(stranger), stranger.slice(0, 500));
    }
  });
}

for (const engine of present)
  describe(`its pick_first_unary on ${engine}`, () => {
    const opened = openedHere();
    let target: GoClientTarget;

    before(async () => {
      const server = opened.adopt(await startNamedServer(), (it) => it.close());
      const service = `interop: { endpoints: [127.0.0.1:${server.port}] }`;
      const { gateway, key } = await openInterop(opened, { engine, policy, service });
      target = { port: gateway.port, metadata: metadataOf(key) };
    });

    test('passes where the server tells its name', async () =>
      assert.equal(await goClientFails('pick_first_unary', target), undefined));
  });

async function passesAll(target: GoClientTarget): Promise<void> {
  const failures: string[] = [];
  for (const each of goCases) failures.push(...(await failureOf(each, target)));
  assert.deepEqual(failures, []);
}

async function failureOf({ name, more }: GoCase, target: GoClientTarget): Promise<string[]> {
  const why = await goClientFails(name, target, more);
  return why === undefined ? [] : [why];
}

function metadataOf(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${String(value)}`)
    .join(';');
}
