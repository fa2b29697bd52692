import { removedHeaderPattern } from '../../gate/index.ts';
import type { ListenerPlan, Plan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import { bodyBytesMax, headerBytesMax, headerCountMax, targetBytesMax } from '../../std/limits.ts';
import type { Demands } from './demands.ts';
import { limitRules } from './limit-rules.ts';
import { auditFormat } from './log-format.ts';
import {
  backends,
  files,
  frontendName,
  recordMaps,
  spoeEngine,
  spoeGroup,
  spoolDescriptor,
  upstreamName,
  variables,
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
  format,
  named,
  not,
  type Sample,
  type Section,
  test,
} from './print.ts';
import { assertionOffset, recordFields } from './record.ts';
import { recordField, returnWords } from './refusals.ts';

interface Scene {
  readonly plan: Plan;
  readonly listener: ListenerPlan;
  /** From 1. */
  readonly index: number;
  readonly place: Place;
  readonly demands: Demands;
}

type Stage = (scene: Scene) => Directive[];

/** INVARIANT: the order of security. What identifies is read before anything is removed; nothing is set before it is decided. */
const stages: readonly Stage[] = [shape, key, find, ask, keep, limit, body, cleanse, identify];

/** A listener: what HAProxy does with a request, top to bottom. */
export function frontendSection(scene: Scene): Section {
  const { place, index } = scene;
  return {
    head: ['frontend', frontendName(index)],
    lines: [
      bind(scene),
      directive(['filter', 'spoe', 'engine', spoeEngine, 'config', `${place.directory}/${files.spoe}`]),
      directive(['log', `fd@${spoolDescriptor}`, 'len', 8192, 'format', 'raw', 'local0']),
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

const variable = (name: string): Sample => call('var', name);
const isFound = (name: string): Condition => test(variable(name), 'found');
const request = (...words: readonly (string | number)[]): readonly (string | number)[] => ['http-request', ...words];

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
    directive(['acl', 'odd', call('req.fhdr_cnt'), '-m', 'int', 'gt', headerCountMax]),
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
    directive(request('track-sc0', variable(variables.key), 'table', backends.kept), all(named('odd', false), isKept)),
    directive(request(`set-var(${variables.now})`, call('date'))),
    ...recordMaps.map((map, rest) =>
      directive(
        request(`set-var(${variables.record})`, chain(number, call('map_str', `${place.directory}/${map}`))),
        all(holds, half(rest)),
      ),
    ),
  ];
}

/** A miss: what is far too large is refused here, because it wouldn't fit a frame; the rest is asked. Silence is 503. */
function ask(): Directive[] {
  const missing = not(isFound(variables.record));
  const silent = not(isFound(variables.answer.status));
  const line = chain(variable(variables.method), call('concat', ' ', variables.path));
  return [
    directive(request('set-var(txn.req)', line), missing),
    directive(returnWords('target-too-long'), all(missing, test(call('url'), 'len', 'gt', 2 * targetBytesMax))),
    directive(returnWords('header-too-large'), all(missing, test(call('req.hdrs'), 'len', 'gt', 2 * headerBytesMax))),
    directive(request('send-spoe-group', spoeEngine, spoeGroup), missing),
    directive(request(`set-var(${variables.record})`, variable(variables.answer.record)), missing),
    directive(request(`set-var(${variables.reason})`, call('str', 'gate-unavailable')), all(missing, silent)),
    directive(returnWords('gate-unavailable'), isFound(variables.reason)),
  ];
}

/** Keeps what the gate said may be kept: only answers make entries, so that no flood of tokens fills the table. */
function keep(): Directive[] {
  const mayKeep = all(test(variable(variables.answer.endSeconds), 'int', 'gt', 0), named('odd', false));
  const { endSeconds, recordNumber, coreNumber } = variables.answer;
  return [
    directive(request('track-sc0', variable(variables.key), 'table', backends.kept), mayKeep),
    ...[endSeconds, recordNumber, coreNumber].map((name, position) =>
      directive(request(`sc-set-gpt(${position},0)`, variable(name)), mayKeep),
    ),
  ];
}

function limit({ demands }: Scene): Directive[] {
  return limitRules(demands);
}

function body(): Directive[] {
  const isLarge = test(call('req.body_size'), 'int', 'gt', bodyBytesMax);
  return [
    directive(request(`set-var(${variables.reason})`, call('str', 'body-too-large')), isLarge),
    directive(returnWords('body-too-large'), isLarge),
  ];
}

/** Nobody but us sets these. The pattern is the gate's own. */
function cleanse(): Directive[] {
  return [
    directive(request(`set-var(${variables.trace})`, call('req.fhdr', 'traceparent'))),
    directive(request('del-header', removedHeaderPattern, '-m', 'reg')),
  ];
}

/** The upstream learns who calls. */
function identify({ listener }: Scene): Directive[] {
  const { subject, issuer } = recordFields;
  const kind = (letter: string): Condition => test(variable(variables.record), 'beg', letter);
  const assertion = chain(variable(variables.record), call('bytes', assertionOffset));
  return [
    directive(request('add-header', 'x-headgate-subject', format({ sample: recordField(subject) }))),
    directive(request('add-header', 'x-headgate-issuer', format({ sample: recordField(issuer) }))),
    directive(request('add-header', 'x-headgate-assertion', format({ sample: assertion }))),
    directive(request('set-header', 'x-headgate-assertion', format({ sample: recordField(-1) })), kind('L')),
    directive(request('del-header', '^x-headgate-(subject|issuer|assertion)$', '-m', 'reg'), kind('N')),
    ...stripLengths(listener).flatMap(strip),
  ];
}

function stripLengths({ routes }: ListenerPlan): number[] {
  const lengths = routes.flatMap(({ strip: cuts, pathPrefix }) => (cuts && pathPrefix ? [pathPrefix.length] : []));
  return [...new Set(lengths)].filter((length) => length > 1);
}

function strip(length: number): Directive[] {
  const field = recordField(recordFields.strip);
  const rest = chain(call('path'), call('bytes', length));
  return [
    directive(request('set-path', format({ sample: rest })), test(field, 'str', String(length))),
    directive(request('set-path', '/'), test(field, 'str', `${length}/`)),
  ];
}

/** A refusal's answer, or the service that the permit names. */
function forward({ plan, listener }: Scene): Directive[] {
  const numbers = serviceNumbers(plan);
  const services = new Set(listener.routes.map(({ service }) => service));
  const refused = directive(['use_backend', backends.refuse], any(isFound(variables.answer.status)));
  const [only] = services;
  if (services.size === 1 && only !== undefined) {
    return [refused, directive(['default_backend', upstreamName(numbers.get(only) ?? 0)])];
  }
  const chosen = format('up.', { sample: recordField(recordFields.service) });
  return [refused, directive(['use_backend', chosen])];
}
