import type { ListenerPlan, RoutePlan } from '../plan/index.ts';
import type { ListenerNode, Located, RouteNode } from '../policy/index.ts';
import type { Scope } from './scope.ts';

/** Listeners with what each leads to. Form, addresses and order of routes were checked when the environment was read. */
export function compileListeners(scope: Scope): readonly ListenerPlan[] {
  const listeners = scope.environment.listeners.map((node) => compileListener(scope, node));
  checkReached(scope, listeners);
  return listeners;
}

function compileListener(scope: Scope, node: ListenerNode): ListenerPlan {
  const { name, address, tls, connectionAge: age } = node;
  return {
    name: name.value,
    address: address.value,
    ...(tls && { tls: { certificate: tls.certificate.value, key: tls.key.value } }),
    routes: node.routes.length === 0 ? onlyRoute(scope, name) : node.routes.map((route) => compileRoute(scope, route)),
    ...(age && {
      connectionAge: { afterMs: age.afterMs.value, ...(age.graceMs && { graceMs: age.graceMs.value }) },
    }),
  };
}

/** Left out where there is one service. */
function onlyRoute(scope: Scope, listener: Located<string>): readonly RoutePlan[] {
  const names = [...scope.services.keys()];
  const [only] = names;
  if (only !== undefined && names.length === 1) return [{ strip: false, service: only }];
  const message = `listener \`${listener.value}\` doesn't say which requests go to which of ${names.length} services`;
  const hint = `routes: [ ${names
    .slice(0, 3)
    .map((name) => `{ path: /${name}/**, service: ${name}, strip: true }`)
    .join(', ')} ]`;
  if (names.length > 1) scope.report.add('HG2060', message, { span: listener.span, hint });
  return [];
}

function compileRoute(scope: Scope, { host, path, service, strip }: RouteNode): RoutePlan {
  if (!scope.services.has(service.value)) {
    const hint = scope.hint(service.value, [...scope.services.keys()]);
    scope.report.add('HG2061', `the policy declares no service \`${service.value}\``, { span: service.span, hint });
  }
  const pathPrefix = path?.value.replace(/\/\*\*$/, '') ?? '';
  return {
    ...(host && { host: host.value.toLowerCase() }),
    ...(pathPrefix !== '' && { pathPrefix }),
    strip,
    service: service.value,
  };
}

function checkReached(scope: Scope, listeners: readonly ListenerPlan[]): void {
  if (listeners.length === 0 || listeners.some(({ routes }) => routes.length === 0)) return;
  const reached = new Set(listeners.flatMap(({ routes }) => routes.map(({ service }) => service)));
  for (const { name } of scope.policy.services) {
    if (reached.has(name.value)) continue;
    const message = `no route of environment \`${scope.environment.name.value}\` leads to service \`${name.value}\``;
    const notes = [{ message: 'this environment', span: scope.environment.name.span }];
    scope.report.add('HG2062', message, { span: name.span, severity: 'warning', notes });
  }
}
