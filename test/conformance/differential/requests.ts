import fc from 'fast-check';
import { type CallerSpec, type CredentialForm, credentialForms } from '../harness/issuer.ts';
import { models } from './policies.ts';

export interface RequestShape {
  readonly caller: CallerSpec;
  readonly form: CredentialForm;
  readonly method: string;
  readonly target: string;
  /** Name and value in turn. */
  readonly headers: readonly string[];
}

const callers: readonly CallerSpec[] = [
  { client: 'batch-scorer' },
  { subject: 'alice', groups: ['ml-data-scientists'] },
  { subject: 'lena', groups: ['finance-leads', 'ml-data-scientists'] },
  { subject: 'bob', client: 'batch-scorer' },
];

const refusedForms = credentialForms.filter((form) => !['valid', 'lower-case-scheme', 'none'].includes(form));

const form: fc.Arbitrary<CredentialForm> = fc.oneof(
  { weight: 50, arbitrary: fc.constant('valid' as const) },
  { weight: 4, arbitrary: fc.constant('lower-case-scheme' as const) },
  { weight: 10, arbitrary: fc.constant('none' as const) },
  { weight: 38, arbitrary: fc.constantFrom(...refusedForms) },
);

const model = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...models) },
  { weight: 1, arbitrary: fc.constant('stranger') },
);

const operation: fc.Arbitrary<{ method: string; suffix: string }> = fc.constantFrom(
  { method: 'POST', suffix: ':predict' },
  { method: 'POST', suffix: ':classify' },
  { method: 'POST', suffix: ':regress' },
  { method: 'GET', suffix: '' },
  { method: 'GET', suffix: '/metadata' },
);

const version = fc.oneof(
  { weight: 10, arbitrary: fc.constant('') },
  { weight: 5, arbitrary: fc.constantFrom('/versions/3', '/versions/7') },
  { weight: 2, arbitrary: fc.constant('/labels/canary') },
  { weight: 1, arbitrary: fc.constant('/labels/latest') },
);

/** Changes of a good target or method that make it another request, or none. */
const twists: readonly ((method: string, target: string) => [string, string])[] = [
  (method, target) => [method, `${target}?x=1`],
  (method, target) => [method, target.replace('/v1', '//v1')],
  (method, target) => [method, target.replace('/models', '/./models')],
  (method, target) => [method, target.replace('models', 'Models')],
  (method, target) => [method, target.replace('models', '%6dodels')],
  (method, target) => [method === 'GET' ? 'POST' : 'GET', target],
  (_method, target) => ['DELETE', target],
  (method, target) => [method, `${target}x`],
  (method, target) => [method, `${target};a=b`],
];

const twist = fc.oneof(
  { weight: 14, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(...twists) },
);

const region = fc.constantFrom<string[]>(
  [],
  ['x-region', 'eu'],
  ['X-Region', 'us'],
  ['x-region', 'eu', 'x-region', 'us'],
);
const number = fc.constantFrom<string[]>([], ['x-n', '5'], ['x-n', '2'], ['x-n', 'many']);
const spoof = fc.constantFrom<string[]>(
  [],
  [],
  [],
  ['x-headgate-subject', 'root'],
  ['X_Headgate_Subject', 'root', 'x-headgate-assertion', 'a.b.c'],
);

const request: fc.Arbitrary<RequestShape> = fc
  .record({ caller: fc.constantFrom(...callers), form, model, operation, version, twist, region, number, spoof })
  .map(({ caller, form, model, operation, version, twist, region, number, spoof }) => {
    const target = `/v1/models/${model}${version}${operation.suffix}`;
    const [method, twisted] = twist?.(operation.method, target) ?? [operation.method, target];
    return { caller, form, method, target: twisted, headers: [...region, ...number, ...spoof] };
  });

/** Some requests stand twice: the second time the decision is a kept one, or must not be, since another region is named. */
export const requests: fc.Arbitrary<RequestShape[]> = fc
  .array(fc.tuple(request, fc.constantFrom('once', 'once', 'again', 'elsewhere')), {
    minLength: 1,
    maxLength: 28,
    size: 'max',
  })
  .map((list) =>
    list.flatMap(([shape, then]) => {
      if (then === 'once') return [shape];
      return [shape, then === 'again' ? shape : { ...shape, headers: elsewhere(shape.headers) }];
    }),
  );

function elsewhere(headers: readonly string[]): readonly string[] {
  return headers.includes('eu') ? headers.map((text) => (text === 'eu' ? 'us' : text)) : [...headers, 'x-region', 'eu'];
}
