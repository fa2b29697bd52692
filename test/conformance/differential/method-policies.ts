import fc from 'fast-check';
import { compile } from '../../../src/compile/index.ts';
import { parseEnvironment, parsePolicy } from '../../../src/policy/index.ts';
import { environmentText } from '../harness/texts.ts';

/** A rule about methods as it is generated. */
export interface MethodRule {
  readonly effect: 'allow' | 'deny';
  readonly callers: string;
  readonly to: string;
  readonly at: string;
  readonly when?: string | undefined;
  readonly burst?: number | undefined;
}

const groups = ['shops', 'clerks', 'operators', 'everybody', 'anyone'];
const patterns = [
  'acme.v1.Orders/Get',
  'acme.v1.Orders/Place',
  'acme.v1.Orders/*',
  'acme.v1.Stock/*',
  '*/Get',
  '*/*',
  '**',
];
const conditions = [
  'request.headers["x-region"] == "eu"',
  'int(request.headers["x-n"]) > 3',
  'caller.known && caller.subject == "alice"',
];

const rule: fc.Arbitrary<MethodRule> = fc
  .record({
    effect: fc.constantFrom('allow' as const, 'allow' as const, 'allow' as const, 'deny' as const),
    callers: fc.constantFrom(...groups),
    to: fc.constantFrom('call', 'call', 'any', 'reflect', 'health', '[call, health]'),
    at: fc.constantFrom(...patterns),
    when: fc.option(fc.constantFrom(...conditions), { nil: undefined, freq: 2 }),
    burst: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 2 }),
  })
  .map(({ burst, ...shape }) => ({ ...shape, burst: shape.effect === 'deny' ? undefined : burst }));

/** What most policies end with, so that a good part of the calls is allowed. */
const generous: MethodRule = { effect: 'allow', callers: 'everybody', to: 'call', at: '**' };

export const methodRules: fc.Arbitrary<MethodRule[]> = fc
  .tuple(fc.array(rule, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 9 }))
  .map(([list, luck]) => [...list, ...(luck < 8 ? [generous] : [])]);

/** A policy that reads and counts all that any of these can: what comes after needs no other process of HAProxy. */
export const demandingMethods: readonly MethodRule[] = [
  ...conditions.map((when): MethodRule => ({ effect: 'allow', callers: 'shops', to: 'call', at: '**', when })),
  { effect: 'allow', callers: 'anyone', to: 'call', at: '*/Get', burst: 4 },
];

let printed = 0;

/** The rules as a policy; those that compile refuses beside the ones before are left out. No name is used twice. */
export function methodPolicy(rules: readonly MethodRule[]): string {
  printed += 1;
  const kept: string[] = [];
  for (const [index, shape] of rules.entries()) {
    const line = ruleLine(`rule ${index} of policy ${printed}`, shape);
    if (compiles([...kept, line])) kept.push(line);
  }
  return text(kept);
}

function ruleLine(name: string, { effect, callers, to, at, when, burst }: MethodRule): string {
  const parts = [`name: ${name}`, `${effect}: ${callers}`, `to: ${to}`, `at: "orders/${at}"`];
  if (when !== undefined) parts.push(`when: '${when}'`);
  if (burst !== undefined) parts.push(`limits: [ { rate: 1/h, burst: ${burst}, per: caller } ]`);
  return `  - { ${parts.join(', ')} }`;
}

function text(lines: readonly string[]): string {
  return [
    'version: 1',
    'identity: { staff: { oidc: { audience: headgate, groupsClaim: groups } } }',
    'groups:',
    '  shops: [ { staff: { client: shop } } ]',
    '  clerks: [ { staff: { group: clerks } } ]',
    '  operators: [ { staff: { group: operators } }, { staff: { subject: alice } } ]',
    '  everybody: [ { staff: any } ]',
    'services: { orders: { protocol: grpc } }',
    ...(lines.length > 0 ? ['rules:', ...lines] : ['rules: []']),
    '',
  ].join('\n');
}

const bindings = { environment: 'prod', issuers: ['http://127.0.0.1:1'], upstreamPorts: [], grpcPorts: [1] };
const environment = parseEnvironment(
  environmentText('embedded', { ...bindings, serviceName: 'orders' }, 'var'),
  'environment.yaml',
);

function compiles(lines: readonly string[]): boolean {
  const policy = parsePolicy(text(lines), 'headgate.yaml');
  if (policy.value === undefined || environment.value === undefined)
    throw new Error(JSON.stringify([policy.diagnostics, environment.diagnostics]));
  return compile(policy.value, environment.value).value !== undefined;
}
