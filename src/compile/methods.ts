import { matchesSegments } from '../decision/index.ts';
import { listNames } from '../diagnostics/index.ts';
import type { MethodPlan, ProtocolName, ServicePlan } from '../plan/index.ts';
import { callActions } from '../protocols/index.ts';
import type { CompiledRule } from './rules.ts';
import { distinct, type KnownService, type Scope } from './scope.ts';

/** What is known of the methods of a gRPC service. */
export function compileMethods(
  scope: Scope,
  { node, methods }: KnownService,
): Pick<ServicePlan, 'methods' | 'hasDescriptors'> {
  const { protocol, idempotent = [] } = node;
  if (protocol.value !== 'grpc') return {};
  if (methods !== undefined) {
    checkWritten(scope, { node, methods });
    return { methods: Object.fromEntries(methods), hasDescriptors: true };
  }
  if (idempotent.length === 0) return {};
  return { methods: Object.fromEntries(idempotent.map(({ value }) => [value, { idempotent: true }])) };
}

type Methods = ReadonlyMap<string, MethodPlan>;

function checkWritten(
  scope: Scope,
  { node, methods }: { readonly node: KnownService['node']; readonly methods: Methods },
): void {
  for (const { value, span } of node.idempotent ?? []) {
    if (methods.has(value)) continue;
    const message = `service \`${node.name.value}\` has no method \`${value}\``;
    scope.report.add('HG2134', message, { span, hint: methodHint(scope, methods, value.split('/')) });
  }
}

/** Whether a pattern matches any of the methods. */
export function matchesMethod(methods: Methods, segments: readonly string[]): boolean {
  if (methods.has(segments.join('/'))) return true;
  for (const name of methods.keys()) if (matchesSegments(segments, name.split('/'))) return true;
  return false;
}

/** Near names: of the service, or of its methods where the service is right. */
export function methodHint(
  scope: Scope,
  methods: Methods,
  [service = '', method = '']: readonly string[],
): string | undefined {
  const names = [...methods.keys()].map((name) => name.split('/') as [string, string]);
  const own = names.filter(([each]) => each === service).map(([, each]) => each);
  return own.length > 0 ? scope.hint(method, own) : scope.hint(service, distinct(names.map(([each]) => each)));
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
    const left = [...methods.keys()].filter((name) => {
      const segments = name.split('/');
      return !patterns.some((pattern) => matchesSegments(pattern, segments));
    });
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
