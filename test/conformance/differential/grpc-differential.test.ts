import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { RawGrpc } from '../../support/grpc-client.ts';
import { type GrpcUpstream, startGrpcUpstream } from '../../support/grpc-upstream.ts';
import { bytesField, frame, modelLabel, modelName, modelSpec, modelVersion } from '../../support/protobuf-bytes.ts';
import { reasonTold } from '../../support/rpc-status.ts';
import { type Gateway, startGateway } from '../harness/gateway.ts';
import {
  type CallerSpec,
  type CredentialForm,
  credentialForms,
  startTestIssuer,
  type TestIssuer,
} from '../harness/issuer.ts';
import { boundVersions, models, policyText, type RuleShape, rules } from './policies.ts';

/** The gRPC side of the differential run; `HEADGATE_SEED` runs other pairs. */
const seed = Number(process.env.HEADGATE_SEED ?? 20_261_121);
const runs = 40;

interface CallShape {
  readonly caller: CallerSpec;
  readonly form: CredentialForm;
  readonly path: string;
  /** Written out only when it is sent: tensors are large. */
  readonly body: () => Buffer;
  readonly pieces: number;
  readonly headers: Readonly<Record<string, string>>;
}

const callers: readonly CallerSpec[] = [
  { client: 'batch-scorer' },
  { subject: 'alice', groups: ['ml-data-scientists'] },
  { subject: 'lena', groups: ['finance-leads', 'ml-data-scientists'] },
];
/** Forms that are one field. */
const forms = credentialForms.filter((form) => !['two-credentials', 'proxy-authorization'].includes(form));
const paths = [
  'PredictionService/Predict',
  'PredictionService/Classify',
  'ModelService/GetModelStatus',
  'PredictionService/MultiInference',
  'ModelService/HandleReloadConfigRequest',
  'PredictionService/Nothing',
];

const spec = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...models) }, { weight: 1, arbitrary: fc.constant('stranger') }),
    fc.constantFrom('', '', '3', '7'),
    fc.constantFrom('', '', '', '', 'stable'),
  )
  .map(([model, version, label]) =>
    Buffer.concat([
      modelName(model),
      ...(version === '' ? [] : [modelVersion(BigInt(version))]),
      ...(label === '' ? [] : [modelLabel(label)]),
    ]),
  );

/** What is done to a good message. */
const twists: readonly ((message: Buffer) => Buffer)[] = [
  (message) => frame(Buffer.concat([message, modelSpec(modelName('demo'))])),
  (message) => frame(Buffer.concat([message, Buffer.of(0x80)])),
  (message) => frame(Buffer.concat([message, Buffer.of(0x7a, 0x20)])),
  (message) => frame(message).subarray(0, -1),
  (message) => Buffer.concat([frame(message), Buffer.of(0)]),
  (message) => frame(message, 1),
  () => frame(bytesField(2, 'x')),
  (message) => frame(Buffer.concat([bytesField(2, Buffer.alloc(20_000)), message])),
];

const call: fc.Arbitrary<CallShape> = fc
  .record({
    caller: fc.constantFrom(...callers),
    form: fc.oneof(
      { weight: 3, arbitrary: fc.constant('valid' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...forms) },
    ),
    method: fc.oneof(
      { weight: 3, arbitrary: fc.constant(paths[0] ?? '') },
      { weight: 2, arbitrary: fc.constantFrom(...paths) },
    ),
    specs: fc.array(spec, { minLength: 1, maxLength: 2 }),
    tensor: fc.constantFrom(0, 0, 100, 16_000, 40_000),
    twist: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...twists) },
    ),
    pieces: fc.constantFrom(1, 1, 2, 5),
    headers: fc.constantFrom<Record<string, string>>(
      {},
      {},
      { 'x-region': 'eu' },
      { 'x-n': '5' },
      { 'x-headgate-subject': 'root' },
    ),
  })
  .map(({ method, specs, tensor: wanted, twist, ...rest }) => {
    // What stands behind an engine's buffer is found after it has asked: when that is, differs.
    const tensor = twist === undefined ? wanted : Math.min(wanted, 16_000);
    const named = method.endsWith('MultiInference')
      ? specs.map((each) => bytesField(1, bytesField(1, each)))
      : [bytesField(1, specs[0] ?? '')];
    const message = (): Buffer =>
      Buffer.concat([...named, ...(tensor === 0 ? [] : [bytesField(2, Buffer.alloc(tensor, 7))])]);
    const body = (): Buffer => twist?.(message()) ?? frame(message());
    return { ...rest, path: `/tensorflow.serving.${method}`, body };
  });

/** Some stand twice: the second time the decision is a kept one. */
const calls = fc
  .array(fc.tuple(call, fc.boolean()), { minLength: 1, maxLength: 25, size: 'max' })
  .map((list) => list.flatMap(([each, isTwice]) => (isTwice ? [each, each] : [each])));

interface Side {
  readonly gateway: Gateway;
  readonly upstream: GrpcUpstream;
}

test('two engines answer the same gRPC calls the same', { timeout: 300_000 }, async (context) => {
  await using opened = new AsyncDisposableStack();
  const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const sides: Side[] = [];
  for (const name of ['embedded', 'haproxy'] as const)
    sides.push(await openSide(opened, { name, issuer, first: sides[0] }));
  const counts = { pairs: 0, permits: 0, refusals: new Set<string>() };
  const equal = async (shapes: readonly RuleShape[], list: readonly CallShape[]): Promise<void> => {
    const text = policyText(shapes);
    await Promise.all(sides.map(({ gateway }) => gateway.swap(text)));
    const [expected = [], actual = []] = await Promise.all(sides.map((side) => ask(side, issuer, list)));
    for (const [at, { form, path, body }] of list.entries()) {
      assert.deepEqual(
        actual[at],
        expected[at],
        `${form} ${path} ${body().subarray(0, 80).toString('hex')} under\n${text}`,
      );
      counts.pairs += 1;
      if (expected[at]?.core.outcome === 'allow') counts.permits += 1;
      else counts.refusals.add(expected[at]?.core.reason ?? '');
    }
  };
  await fc.assert(fc.asyncProperty(rules, calls, equal), { seed, numRuns: runs, endOnFailure: true });
  context.diagnostic(
    `${counts.pairs} pairs, ${counts.permits} permits, refused for ${[...counts.refusals].sort().join(', ')}`,
  );
  assert.ok(counts.permits >= 0.2 * counts.pairs && counts.refusals.size >= 8);
});

interface SideOptions {
  readonly name: 'embedded' | 'haproxy';
  readonly issuer: TestIssuer;
  /** Whose keys it gets. */
  readonly first: Side | undefined;
}

async function openSide(opened: AsyncDisposableStack, { name, issuer, first }: SideOptions): Promise<Side> {
  const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
  const places = { issuers: [issuer.url], upstreamPorts: [1], grpcPorts: [upstream.port] };
  const bindings = { environment: 'prod', ...places, models: boundVersions };
  const keys = first === undefined ? {} : { keysOf: first.gateway.folder };
  const gateway = await startGateway(name, policyText([]), bindings, keys);
  return { gateway: opened.adopt(gateway, (it) => it.stop()), upstream };
}

interface Outcome {
  readonly answer: readonly unknown[];
  readonly ran: readonly unknown[];
  readonly core: AuditRecord['core'];
}

/** One after another, so that limits count alike. */
async function ask({ gateway, upstream }: Side, issuer: TestIssuer, list: readonly CallShape[]): Promise<Outcome[]> {
  // A new connection: a policy may have brought a new process.
  using client = new RawGrpc(`http://127.0.0.1:${gateway.port}`);
  const made: { readonly id: string; readonly answer: readonly unknown[]; readonly ran: readonly unknown[] }[] = [];
  for (const { caller, form, path, body: write, pieces, headers } of list) {
    const body = write();
    const [, authorization] = issuer.credential(caller, form);
    const before = upstream.ran.length;
    const size = Math.max(1, Math.ceil(body.length / pieces));
    const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, at) =>
      body.subarray(at * size, (at + 1) * size),
    );
    const sent = { ...headers, ...(authorization !== undefined && { authorization }) };
    const end = await client.call(path, { chunks, headers: sent });
    const id = String(end.headers['x-headgate-request-id']);
    const message = String(end.headers['grpc-message'] ?? '').replace(id, '{id}');
    const told = message === '' ? '' : reasonTold(end);
    const answer = [end.status, end.grpcStatus, message, told, end.headers['content-type'], end.headers['retry-after']];
    made.push({
      id,
      answer,
      ran: upstream.ran
        .slice(before)
        .map((each) => [each.models, each.message.length, each.headers['x-headgate-subject']]),
    });
  }
  const records = await gateway.records(made.map(({ id }) => id));
  return made.map(({ answer, ran }, at) => {
    const record = records[at];
    assert.ok(record !== undefined);
    return { answer, ran, core: record.core };
  });
}
