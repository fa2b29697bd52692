import type { ListenerPlan, Plan, RoutePlan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import {
  headerBytesMax,
  headerCountMax,
  keptPathBytesMax,
  targetBytesMax,
  upstreamTimeoutMs,
} from '../../std/limits.ts';
import { type Asked, askedBackends, mayHandOver } from './assisted-forward.ts';
import type { Demands } from './demands.ts';
import {
  grpcRules,
  isRefusedMessage,
  listensForGrpc,
  listensForMessages,
  messageRules,
  waitingLines,
} from './grpc-frontend.ts';
import { isHandedOver } from './handing-over.ts';
import { auditFormat } from './log-format.ts';
import {
  assistGrpcPrefix,
  assistPrefix,
  backends,
  frontendName,
  grpcPlainPrefix,
  grpcPrefix,
  leavingDefaults,
  namesMap,
  plainPrefix,
  recordMaps,
  spoolDescriptor,
  upstreamPrefix,
  variables,
  walkPrefix,
} from './names.ts';
import type { Place } from './place.ts';
import {
  all,
  any,
  type Condition,
  call,
  chain,
  type Directive,
  directive,
  type Format,
  format,
  named,
  not,
  type Sample,
  type Section,
  test,
} from './print.ts';
import { recordOffsets } from './record.ts';
import { recordField } from './refusals.ts';
import { routeConditions } from './route-conditions.ts';
import { controlPattern } from './rules.ts';

import { keepAliveLines } from './stream-backends.ts';

import { forwardStreams, kindRules } from './stream-frontend.ts';
import { clientTimeoutMs, listensForStreams, listensForStreamsAlone } from './stream-services.ts';
import { after, isFound, isGrpcCall, isWhole, request, variable } from './words.ts';

interface Scene {
  readonly plan: Plan;
  readonly listener: ListenerPlan;
  /** From 1. */
  readonly index: number;
  readonly place: Place;
  readonly demands: Demands;
}

type Stage = (scene: Scene) => Directive[];

/** INVARIANT: nothing is decided here, and nothing removed: a permit that is kept is found, or it isn't. */
const stages: readonly Stage[] = [shape, message, key, find];

/** A listener: what HAProxy does with a request, top to bottom. */
export function frontendSection(scene: Scene): Section {
  const { plan, listener, place, index } = scene;
  const isGrpc = listensForGrpc(plan, listener);
  const isAssisted = (['rest', 'grpc'] as const).some((kind) => mayHandOver(plan, listener, kind));
  return {
    head: ['frontend', frontendName(index), ...(isAssisted ? ['from', leavingDefaults] : [])],
    lines: [
      ...binds(scene),
      ...(listensForStreams(plan, listener) ? patienceLines(clientTimeoutMs(plan, listener)) : []),
      // Only lines of calls: HAProxy's own words are warnings, and would stand between them.
      directive(['log', `fd@${spoolDescriptor}`, 'len', 8192, 'format', 'raw', 'local0', 'err']),
      directive(['tcp-request', 'session', `set-var(${variables.peer})`, chain(call('src'), call('lower'))]),
      directive(request('set-log-level', 'err')),
      directive(['log-format', auditFormat({ worker: place.worker, listener: index, isGrpc, isAssisted })]),
      directive(['unique-id-format', format(`${place.worker}-`, { field: 'rt' })]),
      directive(['unique-id-header', 'x-headgate-request-id']),
      ...stages.flatMap((stage) => stage(scene)),
      directive(after('set-header', 'x-headgate-request-id', format({ sample: call('unique-id') }))),
      ...(listensForMessages(plan, listener) ? waitingLines() : []),
      ...forward(scene),
    ],
  };
}

/** Where calls may be open for long. Connections that were told to go, and have no call, are not waited for any longer than others. */
function patienceLines(clientMs: number): Directive[] {
  return [
    directive(['timeout', 'client', `${clientMs}ms`]),
    directive(['timeout', 'client-fin', `${upstreamTimeoutMs}ms`]),
    ...keepAliveLines('clitcpka'),
  ];
}

/** The index of every upstream, from 1, by service. */
export function serviceNumbers(plan: Plan): ReadonlyMap<string, number> {
  return new Map(plan.upstreams.map(({ service }, position) => [service, position + 1]));
}

function binds({ plan, listener, place }: Scene): Directive[] {
  const handedOver = place.sockets?.[listener.name]?.map((descriptor) => `fd@${descriptor}`);
  const addresses = handedOver ?? [printHostPort(place.addresses?.[listener.name] ?? listener.address)];
  // Of the patience that streams need, a client that takes nothing off its connection has none: those of streams take what comes.
  const isMixed = listensForStreams(plan, listener) && !listensForStreamsAlone(plan, listener);
  const bound = isMixed ? ['tcp-ut', `${upstreamTimeoutMs}ms`] : [];
  if (listener.tls === undefined) return addresses.map((address) => directive(['bind', address, ...bound]));
  const pem = place.pem?.[listener.name] ?? `${place.directory}/${listener.name}.pem`;
  const secured = ['ssl', 'crt', pem, 'alpn', 'h2,http/1.1', 'ssl-min-ver', 'TLSv1.2'];
  return addresses.map((address) => directive(['bind', address, ...secured, ...bound]));
}

/**
 * White space around a value, which the key would not see and only HTTP/2 brings as it is. What is seldom stands first in the
 * pattern, so that PCRE passes over the rest sixteen bytes at a time.
 */
const hasWhiteSpace = test(call('req.hdrs'), 'reg', String.raw`[ \t](?:(?<=[^:].)\r|(?<=: .))`);

/**
 * A query that is long, or holds a fragment or anything but plain ASCII: it is no part of the key. Few requests have one, and those
 * that haven't pay least by this test. What of a target is part of the key, the path, is as long as `keptPathBytesMax` at most.
 */
const oddQuery = test(call('query'), 'reg', `[^!"$-~]|^.{${targetBytesMax - keptPathBytesMax}}`);

/** What a kept decision is never looked up for, nor kept under: the gate sees the whole of such a request each time. */
function shape({ plan, listener, demands, place }: Scene): Directive[] {
  // HAProxy compiles patterns without captures, so each name is written out twice.
  const escaped = ['host', 'authorization', ...demands.headers].map((name) => name.replace(/[^a-z0-9_-]/g, '[$&]'));
  const doubled = escaped.map((name) => `${name},(.*,)?${name}`);
  const pattern = `(^|,)(${['proxy-authorization', ...doubled].join('|')})(,|$)`;
  const names = call('req.hdr_names');
  const isGrpc = listensForGrpc(plan, listener);
  const odd = (when: Condition): Directive => directive(request(`set-var(${variables.odd})`, call('bool', 1)), when);
  // What is held of the message is no less than the fields, and known without writing them out.
  const isLong = test(call('internal.htx.data'), 'int', 'gt', headerBytesMax);
  return [
    ...(isGrpc ? grpcRules(place) : []),
    directive(
      request(`set-var(${variables.plain})`, chain(names, call('map_str_int', `${place.directory}/${namesMap}`))),
      isGrpc ? not(isGrpcCall) : undefined,
    ),
    directive(['acl', 'odd.names', names, '-m', 'reg', pattern]),
    directive(['acl', 'odd.names', call('req.fhdr_cnt'), '-m', 'int', 'gt', headerCountMax]),
    // Of plain requests they are looked at when the credential is gone.
    directive(['acl', 'odd.names', call('req.hdrs'), '-m', 'reg', controlPattern]),
    odd(all(not(isFound(variables.plain)), named('odd.names', true))),
    odd(any(all(isLong, test(call('req.hdrs'), 'len', 'gt', headerBytesMax)), oddQuery)),
    directive(
      request(`set-var(${variables.http2})`, call('int', 1)),
      all(test(call('fc_http_major'), 'int', 2), not(hasWhiteSpace)),
    ),
    // The gate refuses it whatever else there is; what a message says of itself comes behind that.
    ...(isGrpc ? [odd(all(isGrpcCall, not(isFound(variables.http2))))] : []),
  ];
}

/** What the message of a gRPC call names is a part of its key. */
function message({ plan, listener }: Scene): Directive[] {
  if (!listensForGrpc(plan, listener)) return [];
  const kinds = listensForStreams(plan, listener) ? kindRules(plan, listener) : [];
  return [...kinds, ...messageRules(plan, listener)];
}

/**
 * The key: every raw byte that an answer can depend on, hashed. A line feed can't occur in a part, so parts can't run into one
 * another; whether there is a credential is a part, so that none and an empty one differ (several are odd). The version is what the
 * request's line says, and whether HTTP/2 has carried it.
 */
function key({ plan, listener, index, demands }: Scene): Directive[] {
  const { headers: reads, address: readsAddress } = demands;
  const parts = (hasCredential: 0 | 1): Sample[] => [
    call('concat', `\n${hasCredential}\n`, variables.version, '\n'),
    call('concat', '', variables.http2, '\n'),
    call('concat', '', variables.method, '\n'),
    call('concat', '', variables.host, '\n'),
    call('concat', '', variables.path, '\n'),
    call('concat', '', variables.epoch, `\n${index}`),
    ...reads.map((_, position) => call('concat', '\n', readName(position))),
    ...(readsAddress ? [call('concat', '\n', variables.address)] : []),
    // Empty for all but gRPC calls.
    ...(listensForGrpc(plan, listener) ? [call('concat', '\n', variables.message)] : []),
    call('sha2', 256),
    call('base64'),
  ];
  const [set, isPlain] = [`set-var(${variables.key})`, not(isFound(variables.odd))];
  return [
    directive(request(`set-var(${variables.version})`, call('req.ver'))),
    directive(request(`set-var(${variables.method})`, call('method'))),
    directive(request(`set-var(${variables.host})`, call('req.fhdr', 'host'))),
    directive(request(`set-var(${variables.path})`, chain(call('url'), call('field', 1, '?')))),
    ...reads.map((name, position) =>
      directive(request(`set-var(${readName(position)})`, chain(call('req.fhdr', name), call('concat', '.')))),
    ),
    ...(readsAddress ? [directive(request(`set-var(${variables.address})`, call('src')))] : []),
    // First, so that it need not be a variable; where there is none, this makes no key.
    directive(request(set, chain(call('req.fhdr', 'authorization'), ...parts(1))), isPlain),
    directive(request(set, chain(call('str', '-'), ...parts(0))), all(not(isFound(variables.key)), isPlain)),
  ];
}

const readName = (position: number): string => `req.r${position + 1}`;

/** Seconds until a record ends; what follows the digits is not read. `letters`: of its kind, before them. */
const holds = (letters: number): Condition =>
  test(chain(...recordEnd(letters), call('sub', variables.now)), 'int', 'gt', 0);

function recordEnd(letters: number): Sample[] {
  const record = variable(variables.record);
  return letters === 0 ? [record] : [record, call('bytes', letters), call('field', 1, ' ')];
}

/** A kept permit: its record, in the half that is written to, or else in the other. */
function find({ place }: Scene): Directive[] {
  const look = (half: 0 | 1, when: Condition): Directive => {
    const map = call('map_str', `${place.directory}/${recordMaps[half]}`);
    return directive(request(`set-var(${variables.record})`, chain(variable(variables.key), map)), when);
  };
  const isFirst = (half: 0 | 1): Condition => test(variable(variables.half), 'int', half);
  const isMissing = not(isFound(variables.record));
  return [
    directive(request(`set-var(${variables.now})`, call('date'))),
    look(0, isFirst(0)),
    look(1, isMissing),
    look(0, isMissing),
  ];
}

/**
 * A hit goes to the service that its record names. A miss goes to where the route leads, to be asked there: the gate's answer
 * names the service, and has to name the same one.
 */
function forward({ plan, listener }: Scene): Directive[] {
  const numbers = serviceNumbers(plan);
  const indices = listener.routes.map(({ service }) => numbers.get(service) ?? 0);
  const first = indices[0] ?? 0;
  const isOne = new Set(indices).size === 1;
  const chosen = (prefix: string): Format | string =>
    isOne ? `${prefix}${first}` : format(prefix, { sample: recordField(recordOffsets.service) });
  const isHandedToo = (kind: 'rest' | 'grpc'): boolean => mayHandOver(plan, listener, kind);
  const asked = (kind: 'rest' | 'grpc', when?: Condition): Directive[] => [
    ...(isOne ? [] : listener.routes).flatMap((route, position) =>
      askedBackends(plan, indices[position] ?? 0, kind).flatMap((each) => routeRules(route, each, when)),
    ),
    ...askedBackends(plan, first, kind).map((each) => askedRule(each, when)),
  ];
  const held = { any: holds(recordOffsets.end), ordinary: holds(recordOffsets.kind) };
  return [
    ...(listensForStreams(plan, listener)
      ? forwardStreams(plan, listener, { chosen, holds: held, isHandedToo: isHandedToo('grpc') })
      : []),
    ...(listensForMessages(plan, listener) ? forwardGrpc(chosen, isHandedToo('grpc')) : []),
    ...(listensForGrpc(plan, listener) ? asked('grpc', isGrpcCall) : []),
    // Of those services no permit is for REST.
    ...(listensForStreamsAlone(plan, listener) ? [] : forwardRest(chosen, isHandedToo('rest'))),
    ...asked('rest'),
  ];
}

function forwardRest(chosen: (prefix: string) => Format | string, isHandedToo: boolean): Directive[] {
  return [
    directive(['use_backend', chosen(plainPrefix)], all(holds(recordOffsets.kind), isFound(variables.plain))),
    ...(isHandedToo ? [handOver(chosen(assistPrefix))] : []),
    directive(['use_backend', chosen(upstreamPrefix)], holds(recordOffsets.end)),
  ];
}

function handOver(backend: Format | string, ...tests: readonly Condition[]): Directive {
  return directive(['use_backend', backend], all(...tests, isHandedOver, holds(recordOffsets.end)));
}

/** Where nothing else has to hold, it is for all that is left. */
function askedRule({ backend, when: own }: Asked, when: Condition | undefined): Directive {
  const tests = [when, own].filter((each) => each !== undefined);
  return tests.length === 0
    ? directive(['default_backend', backend])
    : directive(['use_backend', backend], all(...tests));
}

/** The same for gRPC calls; those that aren't here whole, or are to be added to, go through the filter. */
function forwardGrpc(chosen: (prefix: string) => Format | string, isHandedToo: boolean): Directive[] {
  const isHit = all(isGrpcCall, holds(recordOffsets.end));
  const isAsIs = test(recordField(recordOffsets.version), 'str', '.');
  return [
    directive(['use_backend', backends.refused], isRefusedMessage),
    directive(
      ['use_backend', chosen(grpcPlainPrefix)],
      all(isGrpcCall, holds(recordOffsets.kind), isFound(variables.plain), isWhole, isAsIs),
    ),
    ...(isHandedToo ? [handOver(chosen(assistGrpcPrefix), isGrpcCall)] : []),
    directive(['use_backend', chosen(grpcPrefix)], all(isHit, isWhole, isAsIs)),
    directive(['use_backend', chosen(walkPrefix)], isHit),
  ];
}

function routeRules(route: RoutePlan, { backend, when: own }: Asked, when?: Condition): Directive[] {
  return routeConditions(route).map((conditions) => {
    const tests = [...[when, own].filter((test) => test !== undefined), ...conditions];
    return directive(['use_backend', backend], tests.length === 0 ? undefined : all(...tests));
  });
}
