import type { ListenerPlan, Plan, ServicePlan, UpstreamPlan } from '../plan/types.ts';
import { hostOf } from './authority.ts';
import { pathFault } from './canonical-path.ts';
import { methodOfPath } from './method-path.ts';
import { compileRouter, type Found } from './router.ts';
import { matchRoute } from './routes.ts';
import {
  callActions,
  type GrpcRow,
  grpcTables,
  isOfService,
  type MessageReading,
  type OperationRow,
  operationTables,
  type Protocol,
} from './table.ts';
import type { Classified, Operation, RequestLine, Unclassified } from './types.ts';

/** A Plan's listeners and services, ready to be looked up. */
interface Compiled {
  readonly listeners: ReadonlyMap<string, ListenerPlan>;
  readonly services: ReadonlyMap<string, ServicePlan>;
  /** Models that keep a sequence, by service: their calls are never sent again. */
  readonly sequences: ReadonlyMap<string, ReadonlySet<string>>;
}

const compiledPlans = new WeakMap<Plan, Compiled>();
const routers = Object.fromEntries(
  Object.entries(operationTables).map(([protocol, rows]) => [protocol, compileRouter(rows)]),
) as Record<Protocol, (path: string) => Found | undefined>;

const grpcRows = Object.fromEntries(
  Object.entries(grpcTables).map(([protocol, rows]) => [protocol, new Map(rows.map((row) => [row.path, row]))]),
) as Partial<Record<Protocol, Map<string, GrpcRow>>>;

/**
 * What a request means under a Plan, or why it means nothing. Reads listener, method, host, path and what a gRPC message names;
 * never the query, because a kept decision doesn't know it. The first fault in this order: host, path, route, operation,
 * method, message.
 */
export function classify(plan: Plan, request: RequestLine): Classified | Unclassified {
  const routed = route(plan, request);
  if ('reason' in routed) return routed;
  const { service, protocol, path, sequences } = routed;
  if (request.message !== undefined) return classifyGrpc(routed, request);
  if (callActions[protocol] !== undefined) return { reason: 'not-grpc' };
  const found = routers[protocol](path);
  if (found === undefined) return { reason: 'operation-unknown' };
  const row = found.place.rows.get(request.method);
  if (row === undefined) return { reason: 'method-not-allowed', allow: found.place.allow };
  const { versionAt } = found;
  const meant = operation(service, protocol, row, found);
  const isKept = found.model !== undefined && sequences.has(found.model);
  return { operation: isKept ? { ...meant, safe: false } : meant, upstreamPath: path, ...(versionAt && { versionAt }) };
}

/** How the message of a gRPC call is to be walked; undefined: there is no such call, and `classify` says why. */
export function messageWalk(plan: Plan, request: Omit<RequestLine, 'message'>): MessageReading | undefined {
  const routed = route(plan, request);
  if ('reason' in routed) return undefined;
  const { protocol, path } = routed;
  // What isn't known of a service's own methods, the gate says.
  return grpcRows[protocol]?.get(path)?.walk ?? (callActions[protocol] === undefined ? undefined : 'stream');
}

function classifyGrpc(routed: RoutedTo, { message }: RequestLine): Classified | Unclassified {
  const { service, protocol, path, sequences } = routed;
  const row = grpcRows[protocol]?.get(path);
  if (row === undefined) return classifyMethod(routed);
  const { name, action, safe } = row;
  const call = { service, protocol, name, action, grpc: true, safe } as const;
  if (isOfService(row)) return { operation: { ...call, resource: [] }, upstreamPath: path };
  if (message?.model === undefined) return { reason: 'message-malformed', detail: 'no model' };
  const isKept = sequences.has(message.model);
  return {
    operation: { ...call, resource: [message.model], ...message, safe: safe && !isKept },
    upstreamPath: path,
  };
}

/** A method of the service's own. */
function classifyMethod({ service, protocol, path, methods, hasDescriptors }: RoutedTo): Classified | Unclassified {
  const action = callActions[protocol];
  const named = action === undefined ? undefined : methodOfPath(path);
  if (action === undefined || named === undefined) return { reason: 'operation-unknown' };
  const known = Object.hasOwn(methods, path.slice(1)) ? methods[path.slice(1)] : undefined;
  if (known === undefined && hasDescriptors) return { reason: 'method-unknown' };
  const { idempotent = false, streaming } = known ?? {};
  const resource = [named.service, named.method];
  const call = { service, protocol, name: action, action, grpc: true, resource, safe: idempotent } as const;
  return { operation: { ...call, ...(streaming && { streaming }) }, upstreamPath: path };
}

interface RoutedTo {
  readonly service: string;
  readonly protocol: Protocol;
  /** That the service's tables read. */
  readonly path: string;
  /** Models of the service that keep a sequence. */
  readonly sequences: ReadonlySet<string>;
  readonly methods: NonNullable<ServicePlan['methods']>;
  readonly hasDescriptors: boolean;
}

const noSequences: ReadonlySet<string> = new Set();
const noMethods: NonNullable<ServicePlan['methods']> = {};

function route(plan: Plan, request: Omit<RequestLine, 'message'>): RoutedTo | Unclassified {
  const compiled = compiledPlans.get(plan) ?? compilePlan(plan);
  const host = hostOf(request.authority);
  if (host === undefined) return { reason: 'request-malformed', detail: 'host' };
  const path = pathOf(request.target);
  const fault = pathFault(path);
  if (fault !== undefined) return { reason: 'path-not-canonical', detail: fault };
  const listener = compiled.listeners.get(request.listener);
  const routed = listener === undefined ? undefined : matchRoute(listener, host, path);
  const service = routed === undefined ? undefined : compiled.services.get(routed.service);
  if (routed === undefined || service === undefined) return { reason: 'route-unknown' };
  const { protocol, methods = noMethods, hasDescriptors = false } = service;
  const sequences = compiled.sequences.get(routed.service) ?? noSequences;
  return { ...routed, protocol, sequences, methods, hasDescriptors };
}

/** The path that the upstream gets once the version is resolved: it names the number, and no label. */
export function versionedPath({ upstreamPath, versionAt }: Classified, version: string | undefined): string {
  if (version === undefined || versionAt === undefined) return upstreamPath;
  return `${upstreamPath.slice(0, versionAt.start)}/versions/${version}${upstreamPath.slice(versionAt.end)}`;
}

/** The part of a request target before its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

function compilePlan(plan: Plan): Compiled {
  const compiled = {
    listeners: new Map(plan.listeners.map((listener) => [listener.name, listener])),
    services: new Map(plan.access.services.map((service) => [service.name, service])),
    sequences: new Map(plan.upstreams.map((upstream) => [upstream.service, sequencesOf(upstream)])),
  };
  compiledPlans.set(plan, compiled);
  return compiled;
}

function sequencesOf({ models = {} }: UpstreamPlan): ReadonlySet<string> {
  return new Set(Object.entries(models).flatMap(([model, { sequence }]) => (sequence === undefined ? [] : [model])));
}

function operation(service: string, protocol: Protocol, row: OperationRow, found: Found): Operation {
  return {
    service,
    protocol,
    name: row.name,
    action: row.action,
    resource: row.resource.map((name) => found[name] ?? ''),
    ...(found.model !== undefined && { model: found.model }),
    ...(found.version !== undefined && { version: found.version }),
    ...(found.label !== undefined && { label: found.label }),
    safe: row.safe,
  };
}
