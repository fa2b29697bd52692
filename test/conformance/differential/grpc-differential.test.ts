import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesField, frame, modelLabel, modelName, modelSpec, modelVersion } from '../../support/protobuf-bytes.ts';
import { type CallerSpec, credentialForms, startTestIssuer } from '../harness/issuer.ts';
import { askBoth, type CallShape, countsOf, openSides } from './grpc-sides.ts';
import { boundVersions, models, policyText, type RuleShape, rules } from './policies.ts';

/** The gRPC side of the differential run; `HEADGATE_SEED` runs other pairs. */
const seed = Number(process.env.HEADGATE_SEED ?? 20_261_121);
const runs = 40;

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

test('two engines answer the same gRPC calls the same', { timeout: 300_000 }, async (context) => {
  await using opened = new AsyncDisposableStack();
  const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const sides = await openSides(opened, { issuer, policy: policyText([]), bindings: { models: boundVersions } });
  const counts = countsOf();
  const equal = (shapes: readonly RuleShape[], list: readonly CallShape[]): Promise<void> =>
    askBoth({ sides, issuer, counts }, policyText(shapes), list);
  await fc.assert(fc.asyncProperty(rules, calls, equal), { seed, numRuns: runs, endOnFailure: true });
  context.diagnostic(
    `${counts.pairs} pairs, ${counts.permits} permits, refused for ${[...counts.refusals].sort().join(', ')}`,
  );
  assert.ok(counts.permits >= 0.2 * counts.pairs && counts.refusals.size >= 8);
});
