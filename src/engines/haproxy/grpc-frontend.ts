import { problemAnswer } from '../../gate/index.ts';
import type { ListenerPlan, Plan, RoutePlan, UpstreamPlan } from '../../plan/types.ts';
import { grpcContentPattern, grpcTables } from '../../protocols/index.ts';
import { requestHeadTimeoutMs } from '../../std/limits.ts';
import { timeoutField, timeoutPattern } from './deadline-rules.ts';
import { grpcAnswerRules, grpcReturnRules, grpcReturnWords, messageReasons, silenceLines } from './grpc-refusals.ts';
import { backends, grpcNamesMap, variables } from './names.ts';
import type { Place } from './place.ts';
import { all, any, call, chain, type Directive, directive, not, type Section, test } from './print.ts';
import { quickBodyBytesMax, quickWalkRules } from './quick-walk.ts';
import { isStream } from './stream-frontend.ts';
import { listensForStreams, listensForStreamsAlone } from './stream-services.ts';
import { isFound, isGrpcCall, request, requestLine, variable } from './words.ts';

/** Whether a service is spoken to in gRPC. */
export function hasGrpc({ endpoints }: UpstreamPlan): boolean {
  return endpoints.some(({ grpc }) => grpc !== undefined);
}

/** Whether a listener has a route to such a service, of either kind: one whose messages are walked, or one whose messages pass as they come. */
export function listensForGrpc(plan: Plan, { routes }: ListenerPlan): boolean {
  const services = new Set(plan.upstreams.filter(hasGrpc).map(({ service }) => service));
  return routes.some(({ service }) => services.has(service));
}

/** Whether gRPC calls come in at a listener for other services than those whose messages pass as they come: they are walked. */
export function listensForMessages(plan: Plan, listener: ListenerPlan): boolean {
  return listensForGrpc(plan, listener) && !listensForStreamsAlone(plan, listener);
}

/** Whether it is one, before anything else is looked at; the names of its fields may be plain where those of others aren't. */
export function grpcRules({ directory }: Place): Directive[] {
  const isPost = test(call('method'), 'str', 'POST');
  const isContent = test(call('req.fhdr', 'content-type', 1), 'reg', grpcContentPattern);
  const isHttp2 = test(call('fc_http_major'), 'int', 2);
  const names = chain(call('req.hdr_names'), call('map_str_int', `${directory}/${grpcNamesMap}`));
  return [
    directive(request(`set-var(${variables.grpc})`, call('int', 1)), all(isHttp2, isPost, isContent)),
    directive(request(`set-var(${variables.plain})`, names), isGrpcCall),
  ];
}

/**
 * What a gRPC call's message names, from what the buffer holds of it. Whether that is all is asked before: what comes later is
 * the filter's to see.
 */
export function messageRules(plan: Plan, listener: ListenerPlan): Directive[] {
  return [
    ...(listensForMessages(plan, listener) ? walkRules(plan, listener) : [nothingRead]),
    // First of all reasons, so last to be set: what a client says of its time, and can't be read.
    directive(
      request(`set-var(${variables.grpc})`, call('str', 'request-malformed')),
      any(
        all(isGrpcCall, test(timeoutField, 'found'), not(test(timeoutField, 'reg', timeoutPattern))),
        all(isGrpcCall, test(call('req.fhdr_cnt', 'grpc-timeout'), 'int', 'gt', 1)),
      ),
    ),
  ];
}

const nothingRead = directive(
  request(`set-var(${variables.message})`, call('str', '-')),
  all(isGrpcCall, not(isFound(variables.message))),
);

function walkRules(plan: Plan, listener: ListenerPlan): Directive[] {
  const refused = test(variable(variables.message), 'beg', '~');
  const isOdd = isFound(variables.odd);
  const hasTail = test(call('internal.htx_blk.type', 'tail'), 'str', 'HTX_BLK_EOT');
  const isWalked = listensForStreams(plan, listener) ? all(isGrpcCall, not(isStream(plan, listener))) : isGrpcCall;
  return [
    directive(request('wait-for-body', 'time', `${requestHeadTimeoutMs}ms`), isWalked),
    directive(request(`set-var(${variables.whole})`, call('internal.htx.has_eom')), isWalked),
    ...walkedPaths(plan, listener.routes).flatMap(([walk, paths]) => {
      const isSo = all(isWalked, test(call('path'), 'str', ...paths));
      const isQuick = walk === 'spec' && plan.bounds.bodyBytesMax >= quickBodyBytesMax;
      const inLua = isQuick
        ? all(isWalked, not(isFound(variables.message)), test(call('path'), 'str', ...paths))
        : isSo;
      return [
        ...(isQuick ? quickWalkRules(isSo) : []),
        directive(request(`set-var(${variables.message})`, call(`lua.message_${walk}`)), inLua),
      ];
    }),
    nothingRead,
    // The gate says what is odd, and then that no model is named.
    directive(
      request(`set-var(${variables.grpc})`, chain(variable(variables.message), call('bytes', 1))),
      all(refused, isGrpcCall, not(isOdd)),
    ),
    directive(request(`set-var(${variables.message})`, call('str', '-')), all(refused, isGrpcCall, isOdd)),
    directive(
      request(`set-var(${variables.grpc})`, call('str', 'message-malformed')),
      all(isWalked, hasTail, test(call('lua.trailers'), 'bool')),
    ),
  ];
}

/** Paths by how their message is walked, as the listener's routes lead to them. */
function walkedPaths(plan: Plan, routes: readonly RoutePlan[]): (readonly [walk: string, paths: readonly string[]])[] {
  const protocols = new Map(plan.access.services.map(({ name, protocol }) => [name, protocol]));
  const paths = new Map<string, Set<string>>();
  for (const { service, pathPrefix = '', strip } of routes) {
    const protocol = protocols.get(service);
    for (const { walk, path } of protocol === undefined ? [] : grpcTables[protocol]) {
      if (walk === 'stream') continue;
      const own = paths.get(walk) ?? new Set();
      paths.set(walk, own.add(strip && pathPrefix !== '/' ? `${pathPrefix}${path}` : path));
    }
  }
  return [...paths].map(([walk, own]) => [walk, [...own]]);
}

/** A call that HAProxy refuses by its message: it goes to a backend of its own. */
export const isRefusedMessage = all(isGrpcCall, not(test(variable(variables.grpc), 'int', 1)));

export function refusedMessagesSection(): Section {
  return {
    head: ['backend', backends.refused],
    lines: [
      directive(request(`set-var(${variables.request})`, requestLine)),
      ...messageReasons.flatMap((reason) => grpcReturnRules(reason)),
      directive(grpcReturnWords('gate-fault')),
      ...grpcAnswerRules(),
    ],
    notes: ['gRPC calls whose message is refused; nobody is asked.'],
  };
}

/** Where a body that doesn't come is waited for. */
export function waitingLines(): Directive[] {
  return silenceLines(problemAnswer('request-timeout', '-').body);
}
