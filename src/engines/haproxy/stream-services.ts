import { trafficOf } from '../../plan/index.ts';
import type { ListenerPlan, Plan } from '../../plan/types.ts';
import { upstreamTimeoutMs } from '../../std/limits.ts';
import { remember } from '../../std/remember.ts';

/** Services whose messages pass as they come (`protocol: grpc`): nothing is waited for, nothing is walked. */
export const streamServices: (plan: Plan) => ReadonlySet<string> = remember(
  ({ access }: Plan) => new Set(access.services.filter(({ protocol }) => protocol === 'grpc').map(({ name }) => name)),
);

/** Whether a listener has a route to such a service. */
export function listensForStreams(plan: Plan, { routes }: ListenerPlan): boolean {
  return routes.some(({ service }) => streamServices(plan).has(service));
}

/** Whether it has routes to nothing else. */
export function listensForStreamsAlone(plan: Plan, { routes }: ListenerPlan): boolean {
  return routes.every(({ service }) => streamServices(plan).has(service));
}

/**
 * How long a client may take no more of what was sent to it. A reader of a stream may pause for as long as the stream may be silent; of
 * HAProxy 2.6's time-outs this is the one that a rule can't set for one call.
 */
export function clientTimeoutMs(plan: Plan, { routes }: ListenerPlan): number {
  const services = new Set(routes.map(({ service }) => service));
  const streams = plan.upstreams.filter(({ service }) => services.has(service) && streamServices(plan).has(service));
  return Math.max(upstreamTimeoutMs, ...streams.map((upstream) => trafficOf(upstream).answerMs));
}
