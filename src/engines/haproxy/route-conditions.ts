import type { RoutePlan } from '../../plan/types.ts';
import { type Condition, call, chain, test } from './print.ts';

/** What has to hold for a route, as the gate matches: the host without its port and in lower case, the prefix by whole segments. Any of these. */
export function routeConditions({ host, pathPrefix }: RoutePlan): readonly (readonly Condition[])[] {
  const name = chain(call('req.fhdr', 'host', 1), call('host_only'), call('lower'));
  const hosts = host === undefined ? [] : [test(name, 'str', host)];
  if (pathPrefix === undefined || pathPrefix === '/' || pathPrefix === '') return [hosts];
  const path = call('path');
  return [
    [...hosts, test(path, 'str', pathPrefix)],
    [...hosts, test(path, 'beg', `${pathPrefix}/`)],
  ];
}
