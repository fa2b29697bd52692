import { listNames } from '../diagnostics/index.ts';
import type { ProtocolName, ServicePlan } from '../plan/index.ts';
import { callActions } from '../protocols/index.ts';
import type { KnownMethods } from './descriptors.ts';
import type { CompiledRule } from './rules.ts';
import type { KnownService, Scope } from './scope.ts';

/** What is known of the methods of a gRPC service. */
export function compileMethods(
  scope: Scope,
  { node, methods }: KnownService,
): Pick<ServicePlan, 'methods' | 'hasDescriptors'> {
  const { protocol, idempotent = [] } = node;
  if (protocol.value !== 'grpc') return {};
  if (methods !== undefined) {
    checkWritten(scope, { node, methods });
    return { methods: Object.fromEntries(methods.plans), hasDescriptors: true };
  }
  if (idempotent.length === 0) return {};
  return { methods: Object.fromEntries(idempotent.map(({ value }) => [value, { idempotent: true }])) };
}

function checkWritten(
  scope: Scope,
  { node, methods }: { readonly node: KnownService['node']; readonly methods: KnownMethods },
): void {
  for (const { value, span } of node.idempotent ?? []) {
    if (methods.plans.has(value)) continue;
    const message = `service \`${node.name.value}\` has no method \`${value}\``;
    scope.report.add('HG2134', message, { span, hint: methodHint(scope, methods, value.split('/')) });
  }
}

/** Whether a pattern matches any of the methods. */
export function matchesMethod({ index }: KnownMethods, segments: readonly string[]): boolean {
  return index.matching(segments).next().done !== true;
}

/** Near names: of the service, or of its methods where the service is right. */
export function methodHint(
  scope: Scope,
  { index }: KnownMethods,
  [service = '', method = '']: readonly string[],
): string | undefined {
  const own = index.methodsOf(service);
  return own.length > 0 ? scope.hint(method, own) : scope.hint(service, index.services);
}

/** Says which methods nobody may call: what a service has been given since is easily forgotten. */
export function checkCallable(scope: Scope, rules: readonly CompiledRule[]): void {
  const environment = scope.environment.name.value;
  const allows = rules.filter(({ plan, in: names }) => plan.effect === 'allow' && (names?.has(environment) ?? true));
  for (const [service, { node, methods }] of scope.services) {
    const patterns = allows
      .filter(({ plan }) => allowsCalls(plan.actions, node.protocol.value))
      .flatMap(({ plan }) =>
        plan.resources.filter((pattern) => pattern.service === service).map(({ segments }) => segments),
      );
    // That no rule is about it is said elsewhere.
    if (methods === undefined || patterns.length === 0) continue;
    const allowed = new Set<string>();
    for (const pattern of distinctPatterns(patterns)) {
      for (const name of methods.index.matching(pattern)) allowed.add(name);
      if (allowed.size === methods.plans.size) break;
    }
    const left = [...methods.plans.keys()].filter((name) => !allowed.has(name));
    if (left.length === 0) continue;
    const which = left.length === 1 ? 'method' : `${left.length} methods`;
    const message = `in \`${environment}\` nobody may call ${which} of \`${service}\`: ${listNames(left)}`;
    scope.report.add('HG2135', message, { span: node.descriptors?.span, severity: 'note' });
  }
}

function allowsCalls(actions: CompiledRule['plan']['actions'], protocol: ProtocolName): boolean {
  const call = callActions[protocol];
  return actions.kind === 'any' || (call !== undefined && actions.names.includes(call));
}

function distinctPatterns(patterns: readonly (readonly string[])[]): Iterable<readonly string[]> {
  return new Map(patterns.map((segments) => [segments.join('/'), segments])).values();
}
