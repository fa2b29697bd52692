import fc from 'fast-check';
import { compile } from '../../../src/compile/index.ts';
import { parseEnvironment, parsePolicy } from '../../../src/policy/index.ts';
import { environmentText } from '../harness/texts.ts';

/** A rule as it is generated: enough to print one, small enough to shrink. */
export interface RuleShape {
  readonly effect: 'allow' | 'deny';
  readonly callers: readonly string[] | 'anyone';
  readonly to: readonly string[] | 'any';
  readonly at: string;
  readonly versions?: 'any' | readonly string[] | undefined;
  readonly when?: string | undefined;
  readonly unless?: string | undefined;
  readonly limit?: { readonly burst: number; readonly per: 'caller' | 'rule' } | undefined;
}

/** What the environment of these policies binds. */
export const boundVersions =
  '{ finance-prod: { stable: 3, canary: { version: 4, share: 40% } }, finance-credit: { canary: { version: 3, share: 100% }, stable: 2 } }';

export const models = ['finance-prod', 'finance-credit', 'demo'] as const;
const actions = ['predict', 'classify', 'regress', 'status', 'metadata'] as const;
const groups = ['apps', 'scientists', 'leads', 'either', 'everybody'] as const;
const patterns = [...models.map((model) => `scoring/${model}`), 'scoring/finance-*', 'scoring/*', 'scoring/**'];

/** Conditions over everything that a kept decision must have in its key; some fail at run time. */
const conditions = [
  'request.headers["x-region"] == "eu"',
  '"x-region" in request.headers && request.headers["x-region"] != "us"',
  'int(request.headers["x-n"]) > 3',
  'request.method == "POST"',
  'caller.known && caller.subject == "alice"',
  'resource.version != "7"',
  'request.address == "127.0.0.1"',
];

const some = (names: readonly string[]): fc.Arbitrary<string[]> =>
  fc.subarray([...names], { minLength: 1, maxLength: 3 });

const rule: fc.Arbitrary<RuleShape> = fc
  .record({
    effect: fc.oneof(
      { weight: 5, arbitrary: fc.constant('allow' as const) },
      { weight: 1, arbitrary: fc.constant('deny' as const) },
    ),
    callers: fc.oneof({ weight: 4, arbitrary: some(groups) }, { weight: 1, arbitrary: fc.constant('anyone' as const) }),
    to: fc.oneof({ weight: 2, arbitrary: some(actions) }, { weight: 1, arbitrary: fc.constant('any' as const) }),
    at: fc.constantFrom(...patterns),
    versions: fc.option(fc.constantFrom<NonNullable<RuleShape['versions']>>('any', ['stable'], ['canary']), {
      nil: undefined,
      freq: 2,
    }),
    when: fc.oneof(fc.constant(undefined), fc.constantFrom(...conditions)),
    unless: fc.option(fc.constantFrom(...groups), { nil: undefined }),
    limit: fc.option(
      fc.record({ burst: fc.integer({ min: 1, max: 4 }), per: fc.constantFrom('caller' as const, 'rule' as const) }),
      { nil: undefined, freq: 2 },
    ),
  })
  .map((shape) => (shape.effect === 'deny' ? { ...shape, limit: undefined } : { ...shape, unless: undefined }));

/** What most policies end with, so that a good part of the calls is allowed. */
const generous: RuleShape = { effect: 'allow', callers: ['everybody'], to: 'any', at: 'scoring/**', versions: 'any' };

/** What many have, so that nobody known is let through often enough. */
const open: RuleShape = { effect: 'allow', callers: 'anyone', to: 'any', at: 'scoring/demo', versions: 'any' };

/**
 * A policy that reads and counts all that any of these can: what comes after it never needs another process of HAProxy, whose
 * counters would start anew while the one before still answers on kept connections.
 */
export const demanding: readonly RuleShape[] = [
  ...conditions.map((when): RuleShape => ({ effect: 'allow', callers: ['apps'], to: 'any', at: 'scoring/demo', when })),
  { effect: 'allow', callers: 'anyone', to: 'any', at: 'scoring/demo', limit: { burst: 4, per: 'caller' } },
];

export const rules: fc.Arbitrary<RuleShape[]> = fc
  .tuple(fc.array(rule, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 9 }))
  .map(([list, luck]) => [...list, ...(luck < 4 ? [open] : []), ...(luck < 9 ? [generous] : [])]);

let printed = 0;

/**
 * The rules as a policy. Those that compile refuses beside the ones before (wholly shadowed, mostly) are left out. Names
 * are never used again, so that the limits of one policy count nothing of another's.
 */
export function policyText(shapes: readonly RuleShape[]): string {
  printed += 1;
  const kept: string[] = [];
  for (const [index, shape] of shapes.entries()) {
    const line = ruleLine(`rule ${index} of policy ${printed}`, shape);
    if (compiles([...kept, line])) kept.push(line);
  }
  return text(kept);
}

function ruleLine(name: string, shape: RuleShape): string {
  const list = (names: readonly string[] | string): string =>
    typeof names === 'string' ? names : `[${names.join(', ')}]`;
  const parts = [
    `name: ${name}`,
    `${shape.effect}: ${list(shape.callers)}`,
    `to: ${list(shape.to)}`,
    `at: ${shape.at}`,
  ];
  if (shape.versions !== undefined) parts.push(`versions: ${list(shape.versions)}`);
  if (shape.when !== undefined) parts.push(`when: '${shape.when}'`);
  if (shape.unless !== undefined) parts.push(`unless: [ { caller: [${shape.unless}] } ]`);
  if (shape.limit !== undefined)
    parts.push(`limits: [ { rate: 1/h, burst: ${shape.limit.burst}, per: ${shape.limit.per} } ]`);
  return `  - { ${parts.join(', ')} }`;
}

function text(lines: readonly string[]): string {
  return [
    'version: 1',
    'identity:',
    '  staff: { oidc: { audience: headgate, groupsClaim: groups } }',
    'groups:',
    '  apps: [ { staff: { client: batch-scorer } } ]',
    '  scientists: [ { staff: { group: ml-data-scientists } } ]',
    '  leads: [ { staff: { group: finance-leads } } ]',
    '  either: [ { staff: { group: finance-leads } }, { staff: { subject: alice } } ]',
    '  everybody: [ { staff: any } ]',
    'services:',
    '  scoring:',
    '    protocol: tensorflow-serving',
    `    models: { ${models.map((model) => `${model}: ${model === 'demo' ? '{}' : '{ versions: [stable, canary] }'}`).join(', ')} }`,
    ...(lines.length > 0 ? ['rules:', ...lines] : ['rules: []']),
    '',
  ].join('\n');
}

const environment = parseEnvironment(
  environmentText(
    'embedded',
    { environment: 'prod', issuers: ['http://127.0.0.1:1'], upstreamPorts: [1], models: boundVersions },
    'var',
  ),
  'environment.yaml',
);

function compiles(lines: readonly string[]): boolean {
  const policy = parsePolicy(text(lines), 'headgate.yaml');
  if (policy.value === undefined || environment.value === undefined)
    throw new Error(JSON.stringify(policy.diagnostics));
  return compile(policy.value, environment.value).value !== undefined;
}
