import type { ListenerPlan, Plan, RoutePlan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import { headerBytesMax, headerCountMax, targetBytesMax } from '../../std/limits.ts';
import type { Demands } from './demands.ts';
import { auditFormat } from './log-format.ts';
import { askName, backends, frontendName, recordMaps, spoolDescriptor, upstreamName, variables } from './names.ts';
import type { Place } from './place.ts';
import {
  all,
  any,
  type Condition,
  call,
  chain,
  type Directive,
  directive,
  format,
  named,
  not,
  type Section,
  test,
} from './print.ts';
import { recordFields } from './record.ts';
import { recordField } from './refusals.ts';
import { isFound, variable } from './rules.ts';

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
const stages: readonly Stage[] = [shape, key, find];

/** A listener: what HAProxy does with a request, top to bottom. */
export function frontendSection(scene: Scene): Section {
  const { place, index } = scene;
  return {
    head: ['frontend', frontendName(index)],
    lines: [
      bind(scene),
      // Only lines of calls: HAProxy's own words are warnings, and would stand between them.
      directive(['log', `fd@${spoolDescriptor}`, 'len', 8192, 'format', 'raw', 'local0', 'err']),
      directive(['http-request', 'set-log-level', 'err']),
      directive(['log-format', auditFormat(place.worker, index)]),
      directive(['unique-id-format', format(`${place.worker}-`, { field: 'rt' })]),
      directive(['unique-id-header', 'x-headgate-request-id']),
      directive(['option', 'forwardfor']),
      ...stages.flatMap((stage) => stage(scene)),
      directive(['http-after-response', 'set-header', 'x-headgate-request-id', format({ sample: call('unique-id') })]),
      ...forward(scene),
    ],
  };
}

/** The index of every upstream, from 1, by service. */
export function serviceNumbers(plan: Plan): ReadonlyMap<string, number> {
  return new Map(plan.upstreams.map(({ service }, position) => [service, position + 1]));
}

function bind({ listener, place }: Scene): Directive {
  const address = printHostPort(place.addresses?.[listener.name] ?? listener.address);
  if (listener.tls === undefined) return directive(['bind', address]);
  const pem = place.pem?.[listener.name] ?? `${place.directory}/${listener.name}.pem`;
  return directive(['bind', address, 'ssl', 'crt', pem, 'alpn', 'h2,http/1.1', 'ssl-min-ver', 'TLSv1.2']);
}

const request = (...words: readonly (string | number)[]): readonly (string | number)[] => ['http-request', ...words];

/** White space around a value, which the key would not see and HTTP/2 brings as it is; a line of HTTP/1 that says 2.0. */
const oddLines = [
  all(test(call('fc_http_major'), 'int', 2), test(call('req.hdrs'), 'reg', String.raw`: [ \t]|[^:][ \t]\r`)),
  all(test(call('req.ver'), 'str', '2.0'), test(call('fc_http_major'), 'int', 1)),
];

/** What a kept decision is never looked up for, nor kept under: the gate sees the whole of such a request each time. */
function shape({ demands }: Scene): Directive[] {
  // HAProxy compiles patterns without captures, so each name is written out twice.
  const escaped = ['host', 'authorization', ...demands.headers].map((name) => name.replace(/[^a-z0-9_-]/g, '[$&]'));
  const doubled = escaped.map((name) => `${name},(.*,)?${name}`);
  const pattern = `(^|,)(${['proxy-authorization', ...doubled].join('|')})(,|$)`;
  return [
    directive(['acl', 'odd', call('req.hdr_names'), '-m', 'reg', pattern]),
    directive(['acl', 'odd', call('req.hdrs'), '-m', 'len', 'gt', headerBytesMax]),
    directive(['acl', 'odd', call('url'), '-m', 'len', 'gt', targetBytesMax]),
    // Control characters in a value; a fragment, or anything but plain ASCII, in the query: no part of the key.
    directive(['acl', 'odd', call('req.hdrs'), '-m', 'reg', '[^\\t\\r\\n -~\\x80-\\xff]']),
    directive(['acl', 'odd', call('url'), '-m', 'reg', '[^!"$-~]']),
    directive(['acl', 'odd', call('req.fhdr_cnt'), '-m', 'int', 'gt', headerCountMax]),
    directive(request(`set-var(${variables.odd})`, call('bool', 1)), any(named('odd', true), ...oddLines)),
  ];
}

/**
 * The key: every raw byte that an answer can depend on, hashed. A line feed can't occur in a part, so parts can't run into one
 * another; a letter says whether there is a credential, so that none and an empty one differ.
 */
function key({ index, demands }: Scene): Directive[] {
  const { headers: reads, address: readsAddress } = demands;
  const rest = [
    call('concat', '', variables.method, '\n'),
    call('concat', '', variables.version, '\n'),
    call('concat', '', variables.host, '\n'),
    call('concat', '', variables.path, '\n'),
    call('concat', '', variables.epoch, `\n${index}`),
    ...reads.map((_, position) => call('concat', '\n', readName(position))),
    ...(readsAddress ? [call('concat', '\n', variables.address)] : []),
    call('sha2', 256),
  ];
  return [
    directive(request(`set-var(${variables.method})`, call('method'))),
    directive(request(`set-var(${variables.version})`, call('req.ver'))),
    directive(request(`set-var(${variables.host})`, call('req.fhdr', 'host'))),
    directive(request(`set-var(${variables.path})`, chain(call('url'), call('field', 1, '?')))),
    ...reads.map((name, position) =>
      directive(request(`set-var(${readName(position)})`, chain(call('req.fhdr', name), call('concat', '.')))),
    ),
    ...(readsAddress ? [directive(request(`set-var(${variables.address})`, call('src')))] : []),
    directive(
      request(`set-var(${variables.key})`, chain(call('req.fhdr', 'authorization'), call('concat', '\nA'), ...rest)),
    ),
    directive(request(`set-var(${variables.key})`, chain(call('str', '\nN'), ...rest)), not(isFound(variables.key))),
  ];
}

const readName = (position: number): string => `txn.r${position + 1}`;

/** A kept permit: its entry in the table, not ended, and its record. */
function find({ place }: Scene): Directive[] {
  const isKept = test(chain(variable(variables.key), call('in_table', backends.kept)), undefined);
  const holds = test(chain(call('sc_get_gpt', 0, 0), call('sub', variables.now)), 'int', 'gt', 0);
  const number = call('sc_get_gpt', 1, 0);
  const half = (rest: number): Condition => test(chain(number, call('and', 1)), 'int', rest);
  return [
    directive(
      request('track-sc0', variable(variables.key), 'table', backends.kept),
      all(not(isFound(variables.odd)), isKept),
    ),
    directive(request(`set-var(${variables.now})`, call('date'))),
    ...recordMaps.map((map, rest) =>
      directive(
        request(`set-var(${variables.record})`, chain(number, call('map_str', `${place.directory}/${map}`))),
        all(holds, half(rest)),
      ),
    ),
  ];
}

/**
 * A hit goes to the service that its record names. A miss goes to where the route leads, to be asked there: the gate's answer
 * names the service, and has to name the same one.
 */
function forward({ plan, listener }: Scene): Directive[] {
  const numbers = serviceNumbers(plan);
  const indices = listener.routes.map(({ service }) => numbers.get(service) ?? 0);
  const isHit = isFound(variables.record);
  const first = indices[0] ?? 0;
  if (new Set(indices).size === 1) {
    return [directive(['use_backend', upstreamName(first)], isHit), directive(['default_backend', askName(first)])];
  }
  const chosen = format('up.', { sample: recordField(recordFields.service) });
  return [
    directive(['use_backend', chosen], isHit),
    ...listener.routes.flatMap((route, position) => routeRules(route, indices[position] ?? 0)),
    directive(['default_backend', askName(first)]),
  ];
}

/** As the gate matches: the host without its port and in lower case, the prefix by whole segments. */
function routeRules({ host, pathPrefix }: RoutePlan, index: number): Directive[] {
  const name = chain(call('req.fhdr', 'host', 1), call('host_only'), call('lower'));
  const hosts = host === undefined ? [] : [test(name, 'str', host)];
  const path = call('path');
  const paths =
    pathPrefix === undefined || pathPrefix === '/' || pathPrefix === ''
      ? [[]]
      : [[test(path, 'str', pathPrefix)], [test(path, 'beg', `${pathPrefix}/`)]];
  return paths.map((each) => {
    const tests = [...hosts, ...each];
    return directive(['use_backend', askName(index)], tests.length === 0 ? undefined : all(...tests));
  });
}
