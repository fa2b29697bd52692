import { forwardedForHeader, removedHeaderPattern } from '../../gate/index.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import { headerBytesMax, targetBytesMax } from '../../std/limits.ts';
import { unsizedBodyRules } from './body-rules.ts';
import { timeoutRules } from './deadline-rules.ts';
import type { Demands } from './demands.ts';
import { grpcRefusalRules, refusingGrpc } from './grpc-refusals.ts';
import { handOverRules } from './handing-over.ts';
import { limitRules } from './limit-rules.ts';
import { backends, gateServer, spoeEngine, spoeGroup, variables } from './names.ts';
import { all, type Condition, call, chain, type Directive, directive, format, not, test } from './print.ts';
import { assertionOffset, letters, recordOffsets } from './record.ts';
import { type Refusing, recordField, refusalRules, returnWords } from './refusals.ts';
import { isRelaying, relayedRules } from './relayed-rules.ts';
import { refusingStream, streamRefusalRules } from './stream-refusals.ts';
import { trackOpenRules } from './stream-tracking.ts';
import { retryRules } from './traffic-lines.ts';
import { isFound, request, requestLine, variable } from './words.ts';

/** What rules hang on. */
export interface RuleScene {
  readonly demands: Demands;
  readonly bounds: Plan['bounds'];
  /** How calls are refused: REST, or gRPC. */
  readonly refusing: Refusing;
  readonly upstream: UpstreamPlan;
  /** Of the upstream, from 1. */
  readonly index: number;
}

type Stage = (scene: RuleScene) => Directive[];

/** INVARIANT: the order of security on a permit. All that came is removed before anything of ours is set. */
const permitted: readonly Stage[] = [limit, body, cleanse, aim, identify, rewrite, retry];

/** The same where the names of the fields say that the credential is all there is to remove; values are yet to be looked at. */
const plainlyPermitted: readonly Stage[] = [
  removeCredential,
  refuseMalformed,
  limit,
  sizedBody,
  aim,
  identifyPlainly,
  rewrite,
  retryPlainly,
];

/** The same for gRPC calls. `own`: what else is done with those of one kind. */
const permittedCall = (...own: readonly Stage[]): readonly Stage[] => [
  ...[limit, cleanse, timeout, takeTrailers, aim, identify, rewrite],
  ...own,
  retry,
];
const plainlyPermittedCall = (...own: readonly Stage[]): readonly Stage[] => [
  ...[removeCredential, refuseMalformed, limit, timeout, takeTrailers, aim, identifyPlainly, rewrite],
  ...own,
  retryPlainly,
];

/** Of those whose body was walked; to plain ones nothing has to be added. */
const permittedGrpc = permittedCall(append);
const plainlyPermittedGrpc = plainlyPermittedCall();

/** Of those whose messages pass as they come. */
const permittedStream = permittedCall(trackOpenRules);
const plainlyPermittedStream = plainlyPermittedCall(trackOpenRules);

/** The same for a call that is handed over: where it goes stands in its pass, and what is to be appended, too. */
const handed: readonly Stage[] = [limit, body, cleanse, aim, handOverRules];

/** The same for a gRPC call that is handed over; its message is walked on there. */
const handedGrpc: readonly Stage[] = [limit, cleanse, takeTrailers, aim, handOverRules];

/** The same where its messages pass as they come. */
const handedStream: readonly Stage[] = [limit, cleanse, takeTrailers, aim, handOverRules, trackOpenRules];

/** INVARIANT: the order of security on a miss. Nothing is removed before the gate has seen it. */
const missed: readonly Stage[] = [ask, refuse, ...permitted];

/** Rules of an upstream's backend: a record is there. */
export function permittedRules(scene: RuleScene): Directive[] {
  return permitted.flatMap((stage) => stage(scene));
}

/** Rules of an upstream's backend: an ordinary record is there, and the fields of the request are plain. */
export function plainlyPermittedRules(scene: RuleScene): Directive[] {
  return plainlyPermitted.flatMap((stage) => stage(scene));
}

/** Rules of the backend that a miss goes to. */
export function missedRules(scene: RuleScene): Directive[] {
  return missed.flatMap((stage) => stage(scene));
}

/** Rules of a backend for gRPC: a record is there. */
export function permittedGrpcRules(scene: RuleScene): Directive[] {
  return permittedGrpc.flatMap((stage) => stage(scene));
}

/** Rules of a backend for gRPC: an ordinary record is there, and the fields of the request are plain. */
export function plainlyPermittedGrpcRules(scene: RuleScene): Directive[] {
  return plainlyPermittedGrpc.flatMap((stage) => stage(scene));
}

/** Rules of the backend that a miss of gRPC goes to. */
export function missedGrpcRules(scene: RuleScene): Directive[] {
  return [ask, refuse, ...permittedGrpc].flatMap((stage) => stage(scene));
}

/** Rules of the backends for gRPC calls whose messages pass as they come. */
export interface StreamRules {
  /** A permit is kept, and the fields are plain; others; those that the gate is asked about. */
  readonly plain: Directive[];
  readonly kept: Directive[];
  readonly asked: Directive[];
  /** The last two, of the assisted way. */
  readonly handed: Directive[];
  readonly handedAsked: Directive[];
}

export function streamRules(of: RuleScene): StreamRules {
  const scene = { ...of, refusing: refusingStream };
  const written = (stages: readonly Stage[]): Directive[] => stages.flatMap((stage) => stage(scene));
  return {
    plain: written(plainlyPermittedStream),
    kept: written(permittedStream),
    asked: written([ask, refuse, ...permittedStream]),
    handed: written(handedStream),
    handedAsked: written([ask, refuse, ...handedStream]),
  };
}

/** Rules of a backend of the assisted way: a record is there, with a pass in it. */
export function handedRules(scene: RuleScene): Directive[] {
  return handed.flatMap((stage) => stage(scene));
}

/** The same for gRPC. */
export function handedGrpcRules(scene: RuleScene): Directive[] {
  return handedGrpc.flatMap((stage) => stage(scene));
}

/** Rules of a backend of the assisted way that a miss goes to: each permit comes with a pass there. */
export function missedHandedRules(scene: RuleScene): Directive[] {
  return [ask, refuse, ...handed].flatMap((stage) => stage(scene));
}

/** The same for gRPC. */
export function missedHandedGrpcRules(scene: RuleScene): Directive[] {
  return [ask, refuse, ...handedGrpc].flatMap((stage) => stage(scene));
}

const isServed = test(call('req.ver'), 'str', '1.0', '1.1');

/** What is far too large is refused here, because it wouldn't fit a frame; the rest is asked. Silence is 503. */
function ask({ refusing }: RuleScene): Directive[] {
  const silent = all(not(isFound(variables.answer.status)), not(isFound(variables.answer.record)));
  return [
    directive(request(`set-var(${variables.request})`, requestLine)),
    // One that has ended.
    directive(request(`unset-var(${variables.record})`)),
    // A line of HTTP/1 that says 2.0 would be read as if HTTP/2 had carried it.
    ...refusing('request-malformed', all(test(call('fc_http_major'), 'int', 1), not(isServed))),
    ...refusing('target-too-long', test(call('url'), 'len', 'gt', 2 * targetBytesMax)),
    ...refusing('header-too-large', test(call('req.hdrs'), 'len', 'gt', 2 * headerBytesMax)),
    // A gate that isn't there would be waited for, for as long as an answer may take. Not `nbsrv`: of a process that drains, it is 0.
    directive(
      request('send-spoe-group', spoeEngine, spoeGroup),
      test(call('srv_is_up', `${backends.gate}/${gateServer}`), 'bool'),
    ),
    directive(request(`set-var(${variables.record})`, variable(variables.answer.record))),
    ...refusing('gate-unavailable', silent),
  ];
}

function refuse({ refusing }: RuleScene): Directive[] {
  if (refusing === refusingStream) return streamRefusalRules();
  const isGrpc = refusing === refusingGrpc;
  return [...grpcRefusalRules(isGrpc), ...(isGrpc ? [] : refusalRules())];
}

function removeCredential(): Directive[] {
  return [directive(request('del-header', 'authorization'))];
}

/**
 * What the gate would refuse of a request beside its key, answered and audited as it would be: a control character in a value. The
 * credential stands in the key, so it is removed before, which leaves little to look at.
 */
function refuseMalformed({ refusing }: RuleScene): Directive[] {
  const isRefused = isFound(variables.request);
  return [
    directive(request(`set-var(${variables.request})`, requestLine), hasControls),
    // The audit has it as a call that nobody was asked about.
    directive(request(`unset-var(${variables.record})`), isRefused),
    ...refusing('request-malformed', isRefused),
  ];
}

/** Of all fields as text: there is a control character in a value. */
export const controlPattern = String.raw`[^\t\r\n -~\x80-\xff]`;
const hasControls = test(call('req.hdrs'), 'reg', controlPattern);

function limit({ demands, refusing }: RuleScene): Directive[] {
  return limitRules(demands, refusing);
}

function body(scene: RuleScene): Directive[] {
  return [...sizedBody(scene), ...unsizedBodyRules()];
}

/** Of a body with a declared length, which a plain request has. */
function sizedBody({ bounds }: RuleScene): Directive[] {
  const isTooLarge = test(call('req.body_size'), 'int', 'gt', bounds.bodyBytesMax);
  return [directive(returnWords('body-too-large'), isTooLarge)];
}

const traceparent = call('req.fhdr', 'traceparent');

/**
 * Fields of one connection. `Connection` could name ours, so that the service drops them; `Upgrade` could turn the connection
 * into one that nobody decides about. A request that has one is not plain: see plain-names.ts.
 */
const ofConnection = '^(connection|proxy-connection|keep-alive|te|upgrade|http2-settings)$';

/** Nobody but us sets these. The pattern is the gate's own. */
function cleanse(): Directive[] {
  return [
    // Only what is well-formed gets into the spool, where nothing is escaped.
    directive(
      request(`set-var(${variables.trace})`, traceparent),
      test(traceparent, 'reg', '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'),
    ),
    directive(request('del-header', `${removedHeaderPattern}|${ofConnection}`, '-m', 'reg')),
    directive(
      request('del-header', 'expect'),
      not(test(chain(call('req.fhdr', 'expect'), call('lower')), 'str', '100-continue')),
    ),
  ];
}

/** A field of one connection that a gRPC service looks for. */
function takeTrailers(): Directive[] {
  return [directive(request('set-header', 'te', 'trailers'))];
}

/** What the filter has to write into the message; its length is then another. */
function append(): Directive[] {
  const version = recordField(recordOffsets.version);
  return [
    directive(request(`set-var(${variables.append})`, version), not(test(version, 'str', '.'))),
    directive(request('del-header', 'content-length'), isFound(variables.append)),
  ];
}

/** For whom it is, and from whom: one stage, so that no way to a replica has one without the other. */
function aim(): Directive[] {
  return [...setTarget(), ...tellPeer()];
}

/** Where the call comes from. What came under this name is gone: it is removed, or the request's names are plain. */
function tellPeer(): Directive[] {
  return [directive(request('add-header', forwardedForHeader, format({ sample: variable(variables.peer) })))];
}

/** HTTP/2 may bring any scheme, which would stand in the line for the service. */
function setTarget(): Directive[] {
  const hasOtherScheme = all(
    test(call('fc_http_major'), 'int', 2),
    not(test(call('url'), 'beg', 'http://', 'https://')),
  );
  return [directive(request('set-uri', format({ sample: call('pathq') })), hasOtherScheme)];
}

/** An ordinary record: the identity of a caller who is known, its assertion at its place. */
function identifyPlainly(): Directive[] {
  return [...sayWho(), ...assert()];
}

function sayWho(): Directive[] {
  const { subject } = recordOffsets;
  return [
    directive(request('add-header', 'x-headgate-subject', format({ sample: recordField(subject) }))),
    directive(request('add-header', 'x-headgate-issuer', format({ sample: recordField(subject, 1) }))),
  ];
}

function assert(when?: Condition): Directive[] {
  const assertion = chain(variable(variables.record), call('bytes', assertionOffset));
  return [directive(request('add-header', 'x-headgate-assertion', format({ sample: assertion })), when)];
}

/** The upstream learns who calls. */
function identify({ demands }: RuleScene): Directive[] {
  const kind = (name: keyof typeof letters): Condition => test(variable(variables.record), 'beg', ...letters[name]);
  const last = chain(variable(variables.record), call('field', -1, ' '));
  const relays = isRelaying(demands);
  return [
    ...sayWho(),
    ...assert(relays ? not(kind('relayed')) : undefined),
    directive(request('set-header', 'x-headgate-assertion', format({ sample: last })), kind('long')),
    ...(relays ? relayedRules(kind('relayed')) : []),
    directive(request('del-header', '^x-headgate-(subject|issuer|assertion)$', '-m', 'reg'), kind('nobody')),
  ];
}

/** Without a prefix that a route strips, with the number of the version that was chosen. The query stays. */
function rewrite({ demands }: RuleScene): Directive[] {
  if (!demands.rewrites) return [];
  const path = recordField(recordOffsets.subject, 2);
  return [directive(request('set-path', format({ sample: path })), test(path, 'beg', '/'))];
}

function timeout({ upstream }: RuleScene): Directive[] {
  return timeoutRules(upstream);
}

function retry({ upstream, index }: RuleScene): Directive[] {
  return retryRules(upstream, index, true);
}

/** An ordinary record is one of a call that may be sent again. */
function retryPlainly({ upstream, index }: RuleScene): Directive[] {
  return retryRules(upstream, index, false);
}
