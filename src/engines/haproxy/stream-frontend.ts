import type { ListenerPlan, Plan, RoutePlan } from '../../plan/types.ts';
import { isHandedOver } from './handing-over.ts';
import { assistGrpcPrefix, backends, grpcPlainPrefix, grpcPrefix, variables } from './names.ts';
import { all, type Condition, call, type Directive, directive, type Format, not, test } from './print.ts';
import { routeConditions } from './route-conditions.ts';
import { listensForStreamsAlone, streamServices } from './stream-services.ts';
import { isFound, isGrpcCall, request, variable } from './words.ts';

/** A call whose messages pass as they come, on a listener that has routes to such services. */
export function isStream(plan: Plan, listener: ListenerPlan): Condition {
  return listensForStreamsAlone(plan, listener) ? isGrpcCall : test(variable(variables.stream), 'int', 1);
}

/** Finds out of which kind a gRPC call is, on a listener that has both: by where its route leads, before anything is waited for. */
export function kindRules(plan: Plan, listener: ListenerPlan): Directive[] {
  if (listensForStreamsAlone(plan, listener)) return [];
  const isOpen = all(isGrpcCall, not(isFound(variables.stream)));
  return listener.routes.flatMap((route: RoutePlan) =>
    routeConditions(route).map((conditions) =>
      directive(
        request(`set-var(${variables.stream})`, call('int', streamServices(plan).has(route.service) ? 1 : 0)),
        all(isOpen, ...conditions),
      ),
    ),
  );
}

export interface StreamForward {
  /** Whether some go the assisted way. */
  readonly isHandedToo: boolean;
  readonly chosen: (prefix: string) => Format | string;
  /** A kept permit: with letters of any kind, and of an ordinary one. */
  readonly holds: { readonly any: Condition; readonly ordinary: Condition };
}

/** Where calls with a kept permit go, and those that are refused as they come. */
export function forwardStreams(
  plan: Plan,
  listener: ListenerPlan,
  { chosen, holds, isHandedToo }: StreamForward,
): Directive[] {
  const isIt = listensForStreamsAlone(plan, listener) ? isGrpcCall : all(isGrpcCall, isStream(plan, listener));
  const isRefused = all(isIt, not(test(variable(variables.grpc), 'int', 1)));
  return [
    directive(['use_backend', backends.refusedStreams], isRefused),
    directive(['use_backend', chosen(grpcPlainPrefix)], all(isIt, holds.ordinary, isFound(variables.plain))),
    ...(isHandedToo ? [directive(['use_backend', chosen(assistGrpcPrefix)], all(isIt, isHandedOver, holds.any))] : []),
    directive(['use_backend', chosen(grpcPrefix)], all(isIt, holds.any)),
  ];
}
