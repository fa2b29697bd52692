import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frame } from '../../support/protobuf-bytes.ts';
import { type CallerSpec, credentialForms, startTestIssuer } from '../harness/issuer.ts';
import { askBoth, type CallShape, countsOf, openSides } from './grpc-sides.ts';
import { demandingMethods, type MethodRule, methodPolicy, methodRules } from './method-policies.ts';

/** Any gRPC service in the differential run; `HEADGATE_SEED` runs other pairs. */
const seed = Number(process.env.HEADGATE_SEED ?? 20_261_121);
const runs = 30;

const callers: readonly CallerSpec[] = [
  { client: 'shop' },
  { subject: 'alice', groups: ['clerks'] },
  { subject: 'olga', groups: ['operators', 'clerks'] },
];
/** Forms that are one field. */
const forms = credentialForms.filter((form) => !['two-credentials', 'proxy-authorization'].includes(form));
const paths = [
  '/acme.v1.Orders/Get',
  '/acme.v1.Orders/Place',
  '/acme.v1.Stock/Get',
  '/acme.v1.Stock/Move',
  '/other.Service/Get',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.health.v1.Health/Check',
  '/acme.v1.Orders/Get/',
  '/acme.v1.Orders//Get',
  '/acme.v1.Orders',
  '/1/2',
];
const types = [
  'application/grpc',
  'application/grpc',
  'application/grpc+proto',
  'application/json',
  'application/grpc-web',
];

const call: fc.Arbitrary<CallShape> = fc
  .record({
    caller: fc.constantFrom(...callers),
    form: fc.oneof(
      { weight: 4, arbitrary: fc.constant('valid' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...forms) },
    ),
    path: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...paths.slice(0, 4)) },
      { weight: 1, arbitrary: fc.constantFrom(...paths) },
    ),
    type: fc.oneof(
      { weight: 5, arbitrary: fc.constant(types[0] ?? '') },
      { weight: 1, arbitrary: fc.constantFrom(...types) },
    ),
    sizes: fc.array(fc.constantFrom(0, 5, 100, 40_000), { minLength: 1, maxLength: 3 }),
    pieces: fc.constantFrom(1, 1, 2, 5),
    fields: fc.constantFrom<Record<string, string>>(
      {},
      {},
      { 'x-region': 'eu' },
      { 'x-n': '5' },
      { 'x-headgate-subject': 'root' },
    ),
  })
  .map(({ type, sizes, fields, ...rest }) => ({
    ...rest,
    headers: { ...fields, 'content-type': type },
    body: () => Buffer.concat(sizes.map((size) => frame(Buffer.alloc(size, 7)))),
  }));

/** Some stand twice: the second time the decision is a kept one. */
const calls = fc
  .array(fc.tuple(call, fc.boolean()), { minLength: 1, maxLength: 25, size: 'max' })
  .map((list) => list.flatMap(([each, isTwice]) => (isTwice ? [each, each] : [each])));

test('two engines answer the same calls of any gRPC service the same', { timeout: 300_000 }, async (context) => {
  await using opened = new AsyncDisposableStack();
  const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const bindings = { upstreamPorts: [], serviceName: 'orders' };
  const sides = await openSides(opened, { issuer, policy: methodPolicy(demandingMethods), bindings });
  const counts = countsOf();
  const equal = (rules: readonly MethodRule[], list: readonly CallShape[]): Promise<void> =>
    askBoth({ sides, issuer, counts }, methodPolicy(rules), list);
  await fc.assert(fc.asyncProperty(methodRules, calls, equal), { seed, numRuns: runs, endOnFailure: true });
  context.diagnostic(
    `${counts.pairs} pairs, ${counts.permits} permits, refused for ${[...counts.refusals].sort().join(', ')}`,
  );
  assert.ok(counts.permits >= 0.2 * counts.pairs && counts.refusals.size >= 8);
});
