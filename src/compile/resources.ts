import { matchesSegments } from '../decision/index.ts';
import type { ResourcePattern } from '../plan/index.ts';
import type { Located, RuleNode } from '../policy/index.ts';
import { expandFamily, familyOf } from './families.ts';
import { matchesMethod, methodHint } from './methods.ts';
import type { KnownService, Scope } from './scope.ts';

/** A pattern with the place it was written. */
export interface PlacedPattern {
  readonly pattern: ResourcePattern;
  readonly written: Located<string>;
}

/** The patterns of a rule's `at`. One that matches nothing known is an error: it would never hold. */
export function compileResources(scope: Scope, rule: RuleNode): readonly ResourcePattern[] {
  const seen = new Set<string>();
  const patterns: ResourcePattern[] = [];
  for (const written of rule.at) {
    if (seen.has(written.value)) continue;
    seen.add(written.value);
    for (const pattern of compilePattern(scope, written)) patterns.push(pattern);
  }
  return withoutRepeats(patterns);
}

/** A model can be named beside its family. */
function withoutRepeats(patterns: readonly ResourcePattern[]): readonly ResourcePattern[] {
  const seen = new Map(patterns.map((pattern) => [[pattern.service, ...pattern.segments].join('/'), pattern]));
  return seen.size === patterns.length ? patterns : [...seen.values()];
}

function compilePattern(scope: Scope, { value, span }: Located<string>): readonly ResourcePattern[] {
  const [service = '', ...segments] = value.split('/');
  const known = scope.services.get(service);
  if (known === undefined) {
    const hint = scope.hint(service, [...scope.services.keys()]);
    scope.report.add('HG2003', `unknown service \`${service}\``, { span, hint });
    return [];
  }
  if (known.node.protocol.value === 'grpc') return compileMethodPattern(scope, { value, span }, { known, segments });
  const family = familyOf(segments);
  if (family !== undefined) return expandFamily(scope, known, { value, span, family });
  if (!matchesKnown(known, segments)) reportNothing(scope, { value, span }, { known, segments });
  return [{ service, segments }];
}

/** A service's full name, and a method's own: `orders/acme.orders.v1.Orders/Get`. */
function compileMethodPattern(
  scope: Scope,
  { value, span }: Located<string>,
  { known, segments }: { readonly known: KnownService; readonly segments: readonly string[] },
): readonly ResourcePattern[] {
  const service = known.node.name.value;
  const isWhole = segments.length === 2 || segments.at(-1) === '**';
  if (!isWhole || segments.length > 2) {
    const hint = `write \`${service}/acme.orders.v1.Orders/Get\`, \`${service}/acme.orders.v1.Orders/*\` or \`${service}/**\``;
    scope.report.add('HG2004', `\`${value}\` matches no method: one has a service and a name`, { span, hint });
  } else if (known.methods !== undefined && !matchesMethod(known.methods, segments)) {
    const { descriptors = known.node.name } = known.node;
    const notes = [{ message: `the methods of \`${service}\` are described by this`, span: descriptors.span }];
    const hint = methodHint(scope, known.methods, segments);
    scope.report.add('HG2004', `\`${value}\` matches no method of service \`${service}\``, { span, hint, notes });
  }
  // A method is one segment: `**` for the rest is `*`.
  return [
    { service, segments: segments.length === 2 ? segments.map((each) => (each === '**' ? '*' : each)) : segments },
  ];
}

/** A model is one segment. */
function matchesKnown({ models }: KnownService, segments: readonly string[]): boolean {
  const [only = ''] = segments;
  if (segments.length === 1 && !only.includes('*')) return models.has(only);
  for (const model of models) if (matchesSegments(segments, [model])) return true;
  return false;
}

function reportNothing(
  scope: Scope,
  { value, span }: Located<string>,
  { known, segments }: { readonly known: KnownService; readonly segments: readonly string[] },
): void {
  const service = known.node.name;
  const isModel = segments.length === 1 && !value.includes('*');
  const message = isModel
    ? `service \`${service.value}\` has no model \`${segments[0]}\``
    : `\`${value}\` matches no model of service \`${service.value}\``;
  const notes = [{ message: `\`${service.value}\` and its models are declared here`, span: service.span }];
  scope.report.add('HG2004', message, { span, hint: scope.hint(segments[0] ?? '', [...known.models]), notes });
}
