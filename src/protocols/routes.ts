import type { ListenerPlan, RoutePlan } from '../plan/types.ts';

export interface Routed {
  readonly service: string;
  /** What the service's own table reads and the upstream gets. */
  readonly path: string;
}

/** The first route that matches host and path; undefined where none does. `host` is lower case and without a port. */
export function matchRoute(listener: ListenerPlan, host: string, path: string): Routed | undefined {
  for (const route of listener.routes) {
    if (route.host !== undefined && route.host !== host) continue;
    const rest = afterPrefix(route, path);
    if (rest !== undefined) return { service: route.service, path: route.strip ? rest : path };
  }
  return undefined;
}

/** What follows the prefix, itself a path; undefined where the prefix isn't there as whole segments. */
function afterPrefix(route: RoutePlan, path: string): string | undefined {
  const prefix = route.pathPrefix;
  if (prefix === undefined || prefix === '' || prefix === '/') return path;
  if (!path.startsWith(prefix)) return undefined;
  if (path.length === prefix.length) return '/';
  return path.charCodeAt(prefix.length) === 0x2f ? path.slice(prefix.length) : undefined;
}
