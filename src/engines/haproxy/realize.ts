import type { Plan } from '../../plan/types.ts';
import {
  connectTimeoutMs,
  gateLookMs,
  gateTimeoutMs,
  keepAliveTimeoutMs,
  requestHeadTimeoutMs,
  upstreamTimeoutMs,
} from '../../std/limits.ts';
import type { Realization } from '../engine.ts';
import { assistedRoutes, hasAssisted, isAskedIfUneven } from './assisted.ts';
import { assistedSections } from './assisted-backends.ts';
import { lateBodyLine } from './body-rules.ts';
import { type Demands, demandsOf } from './demands.ts';
import { exporterSection } from './exporter.ts';
import { frontendSection } from './frontend.ts';
import { grpcSections } from './grpc-backends.ts';
import { listensForMessages, refusedMessagesSection } from './grpc-frontend.ts';
import { grpcAnswerRules } from './grpc-refusals.ts';
import { limitTables } from './limit-rules.ts';
import { luaFiles, luaNames, streamLuaNames } from './lua.ts';
import {
  askName,
  backends,
  files,
  gateServer,
  grpcNamesMap,
  leavingDefaults,
  namesMap,
  plainName,
  recordMaps,
  retryBytesName,
  unevenVariable,
  upstreamName,
  variables,
} from './names.ts';
import { examplePlace, type Place } from './place.ts';
import { call, configuration, type Directive, directive, type Section } from './print.ts';
import { errorLines, problemFiles, refusing } from './refusals.ts';
import { missedRules, permittedRules, plainlyPermittedRules, type RuleScene } from './rules.ts';
import { serverLines } from './servers.ts';
import { type Slots, type SlotsByService, slotsFor } from './slots.ts';
import { spoeFilter, spoeText } from './spoe.ts';
import { refusedStreamsSection, streamSections } from './stream-backends.ts';
import { streamServices } from './stream-services.ts';
import { openTable } from './stream-tracking.ts';
import { retryBytesAtFirst } from './traffic-lines.ts';
import { request } from './words.ts';

/** Counters of callers kept at most, a table. */
const countersMax = 100_000;
/**
 * Holds a target and header fields of the largest size that the gate looks at, twice over (what is larger is 400 by HAProxy's
 * parser), or once beside a body that is held whole, with what HAProxy takes for keeping it.
 */
const bufferBytes = 40_960;
/** Calls on one connection at once, where they may be open for long: as on the embedded engine. HAProxy's own bound is 100. */
const streamsMax = 256;
/** Room for what we add to a request. */
const rewriteBytes = 4096;
/** Twice the count that the gate allows, so that it is the gate that refuses. */
const headerCount = 202;
/**
 * How HAProxy knows that the gate isn't there: by a connection that can't be had, of a look or of a question, whichever is sooner. A new
 * process takes it to be there.
 */
const gateCheck = [
  ...['inter', `${gateLookMs}ms`, 'fall', 1, 'rise', 1],
  ...['observe', 'layer4', 'error-limit', 1, 'on-error', 'mark-down'],
] as const;
/** HAProxy takes as many connections as these allow: about half. Less where the machine's own limit is lower. */
const descriptorsMax = 20_000;

/** The files of one HAProxy process: pure. `slots`: what it starts with. */
export function realizeHaproxy(
  plan: Plan,
  place: Place = examplePlace(plan),
  demands: Demands = demandsOf(plan),
  slots: SlotsByService = slotsFor(plan),
): Realization {
  return {
    files: {
      [files.configuration]: configurationText({ plan, place, demands, slots }),
      [files.spoe]: spoeText(plan, place),
      ...Object.fromEntries([...recordMaps, namesMap, grpcNamesMap].map((name) => [name, ''])),
      ...problemFiles(),
      ...luaFiles(luaNamesOf(plan)),
    },
    ...(hasAssisted(plan) && { assisted: assistedRoutes(plan) }),
  };
}

interface Drawing {
  readonly plan: Plan;
  readonly place: Place;
  readonly demands: Demands;
  readonly slots: SlotsByService;
}

/** One service, as its backends have it. */
interface Served {
  readonly scene: RuleScene;
  readonly place: Place;
  readonly slots: Slots;
}

function configurationText({ plan, place, demands, slots }: Drawing): string {
  const served: Served[] = plan.upstreams.map((upstream, position) => ({
    scene: { demands, bounds: plan.bounds, refusing, upstream, index: position + 1 },
    place,
    slots: slots[upstream.service] ?? [],
  }));
  const isGrpc = walksMessages(plan);
  const streams = served.filter(({ scene }) => streamServices(plan).has(scene.upstream.service));
  const others = served.filter((each) => !streams.includes(each));
  const notes = [
    'Written by Headgate from the Plan. It decides nothing: the gate does, over SPOE; HAProxy keeps what it answered.',
  ];
  return configuration(notes, [
    globalSection(plan, place),
    ...(hasAssisted(plan) ? [leavingSection(place)] : []),
    defaultsSection(place),
    ...plan.listeners.map((listener, position) =>
      frontendSection({ plan, listener, index: position + 1, place, demands }),
    ),
    ...others.flatMap((each) => [plainSection(each), upstreamSection(each)]),
    ...served.map(askSection),
    ...(walksMessages(plan) ? [...others.flatMap(grpcSections), refusedMessagesSection()] : []),
    ...streams.flatMap(streamSections),
    ...(passesStreams(plan) ? [refusedStreamsSection(), openTable()] : []),
    ...served.flatMap(({ scene }) => assistedSections({ plan, scene, place, isGrpc })),
    ...limitTables(countersMax),
    gateSection(place),
    exporterSection(place),
  ]);
}

function walksMessages(plan: Plan): boolean {
  return plan.listeners.some((listener) => listensForMessages(plan, listener));
}

function passesStreams(plan: Plan): boolean {
  return streamServices(plan).size > 0;
}

function luaNamesOf(plan: Plan): string[] {
  return [...new Set([...(walksMessages(plan) ? luaNames : []), ...(passesStreams(plan) ? streamLuaNames : [])])];
}

/** Lua that walks messages. It works on what is bounded, and a time limit would let what it stops in pass. */
function luaLines(plan: Plan, { directory }: Place): Directive[] {
  return [
    directive(['tune.lua.session-timeout', 0]),
    directive(['setenv', 'HEADGATE_BODY_BYTES_MAX', plan.bounds.bodyBytesMax]),
    ...luaNamesOf(plan).map((name) => directive(['lua-load', `${directory}/${name}`])),
  ];
}

function globalSection(plan: Plan, place: Place): Section {
  const { adminSocket } = place;
  return {
    head: ['global'],
    lines: [
      directive(['nbthread', 1]),
      directive(['fd-hard-limit', descriptorsMax]),
      directive(['stats', 'socket', `unix@${adminSocket}`, 'mode', '600', 'level', 'admin', 'expose-fd', 'listeners']),
      directive(['stats', 'timeout', '1h']),
      directive(['tune.bufsize', bufferBytes]),
      directive(['tune.maxrewrite', rewriteBytes]),
      directive(['tune.http.maxhdr', headerCount]),
      // Remembering what patterns matched costs more than matching: as many texts come as there are callers.
      directive(['tune.pattern.cache-size', 0]),
      ...(passesStreams(plan) ? [directive(['tune.h2.max-concurrent-streams', streamsMax])] : []),
      ...(luaNamesOf(plan).length > 0 ? luaLines(plan, place) : []),
      directive(['set-var', variables.epoch, call('str', plan.epoch)]),
      directive(['set-var', variables.half, call('int', 0)]),
      ...unevenLines(plan),
      ...plan.upstreams.map((_, position) =>
        directive(['set-var', retryBytesName(position + 1), call('int', retryBytesAtFirst)]),
      ),
    ],
  };
}

/** Replicas are taken for even until somebody has said otherwise. */
function unevenLines(plan: Plan): Directive[] {
  return plan.upstreams.flatMap(({ service }, position) =>
    isAskedIfUneven(plan, service) ? [directive(['set-var', unevenVariable(position + 1), call('bool', 0)])] : [],
  );
}

/** The same for what may hand calls over. HAProxy 2.6 takes the option from `defaults` alone. */
function leavingSection(place: Place): Section {
  const { lines } = defaultsSection(place);
  return {
    head: ['defaults', leavingDefaults],
    lines: [...lines, directive(['option', 'abortonclose'])],
    notes: ['A caller who leaves frees its place in a queue.'],
  };
}

function defaultsSection({ directory }: Place): Section {
  return {
    head: ['defaults'],
    lines: [
      directive(['mode', 'http']),
      directive(['option', 'idle-close-on-response']),
      directive(['option', 'dontlognull']),
      directive(['option', 'redispatch', 1]),
      directive(['option', 'log-separate-errors']),
      directive(['timeout', 'connect', `${connectTimeoutMs}ms`]),
      directive(['timeout', 'client', `${upstreamTimeoutMs}ms`]),
      directive(['timeout', 'server', `${upstreamTimeoutMs}ms`]),
      directive(['timeout', 'queue', `${connectTimeoutMs}ms`]),
      directive(['timeout', 'http-request', `${requestHeadTimeoutMs}ms`]),
      directive(['timeout', 'http-keep-alive', `${keepAliveTimeoutMs}ms`]),
      ...errorLines(directory),
    ],
  };
}

/** What stands last in the backends of a service. */
function restLines({ scene, slots }: Served): Directive[] {
  return [lateBodyLine(), ...serverLines(scene.upstream, 'rest', slots)];
}

function plainSection(served: Served): Section {
  return {
    head: ['backend', plainName(served.scene.index)],
    lines: [...plainlyPermittedRules(served.scene), ...restLines(served)],
    notes: ['A service, for calls whose permit is kept and whose fields are plain.'],
  };
}

function upstreamSection(served: Served): Section {
  return {
    head: ['backend', upstreamName(served.scene.index)],
    lines: [...permittedRules(served.scene), ...restLines(served)],
    notes: ['The same service, for other calls whose permit is kept.'],
  };
}

/** The filter stands here alone, because a frontend would pay for it on every call. */
function askSection(served: Served): Section {
  const name = askName(served.scene.index);
  return {
    head: ['backend', name],
    lines: [
      spoeFilter(served.place),
      directive(request(`set-var(${variables.backend})`, call('str', name))),
      ...missedRules(served.scene),
      ...grpcAnswerRules(),
      ...restLines(served),
    ],
    notes: ['The same service, for calls that the gate is asked about.'],
  };
}

function gateSection({ gateSocket }: Place): Section {
  return {
    head: ['backend', backends.gate],
    lines: [
      directive(['mode', 'tcp']),
      directive(['timeout', 'connect', `${gateTimeoutMs}ms`]),
      directive(['timeout', 'server', '1h']),
      directive(['server', gateServer, `unix@${gateSocket}`, 'check', ...gateCheck]),
    ],
  };
}
