import { removedHeaderPattern } from '../../gate/index.ts';
import type { ListenerPlan, Plan } from '../../plan/types.ts';
import { headerBytesMax, targetBytesMax } from '../../std/limits.ts';
import type { Demands } from './demands.ts';
import { limitRules } from './limit-rules.ts';
import { backends, spoeEngine, spoeGroup, variables } from './names.ts';
import {
  all,
  type Condition,
  call,
  chain,
  type Directive,
  directive,
  format,
  not,
  type Sample,
  test,
} from './print.ts';
import { assertionOffset, recordFields } from './record.ts';
import { recordField, refusalRules, returnWords } from './refusals.ts';

/** What rules hang on. */
export interface RuleScene {
  readonly demands: Demands;
  readonly bounds: Plan['bounds'];
  readonly listeners: readonly ListenerPlan[];
}

type Stage = (scene: RuleScene) => Directive[];

/** INVARIANT: the order of security on a permit. All that came is removed before anything of ours is set. */
const permitted: readonly Stage[] = [limit, body, cleanse, identify];

/** INVARIANT: the order of security on a miss. Nothing is removed before the gate has seen it. */
const missed: readonly Stage[] = [ask, refuse, keep, ...permitted];

/** Rules of an upstream's backend: a record is there. */
export function permittedRules(scene: RuleScene): Directive[] {
  return permitted.flatMap((stage) => stage(scene));
}

/** Rules of the backend that a miss goes to. */
export function missedRules(scene: RuleScene): Directive[] {
  return missed.flatMap((stage) => stage(scene));
}

export const variable = (name: string): Sample => call('var', name);
export const isFound = (name: string): Condition => test(variable(name), 'found');
const request = (...words: readonly (string | number)[]): readonly (string | number)[] => ['http-request', ...words];

const isServed = test(variable(variables.version), 'str', '1.0', '1.1');

/** What is far too large is refused here, because it wouldn't fit a frame; the rest is asked. Silence is 503. */
function ask(): Directive[] {
  const line = chain(variable(variables.method), call('concat', ' ', variables.path));
  const silent = all(not(isFound(variables.answer.status)), not(isFound(variables.answer.record)));
  return [
    directive(request(`set-var(${variables.request})`, line)),
    // A line of HTTP/1 that says 2.0 would be read as if HTTP/2 had carried it.
    directive(returnWords('request-malformed'), all(test(call('fc_http_major'), 'int', 1), not(isServed))),
    directive(returnWords('target-too-long'), test(call('url'), 'len', 'gt', 2 * targetBytesMax)),
    directive(returnWords('header-too-large'), test(call('req.hdrs'), 'len', 'gt', 2 * headerBytesMax)),
    directive(request('send-spoe-group', spoeEngine, spoeGroup)),
    directive(request(`set-var(${variables.record})`, variable(variables.answer.record))),
    directive(returnWords('gate-unavailable'), silent),
  ];
}

function refuse(): Directive[] {
  return refusalRules();
}

/** Keeps what the gate said may be kept: only answers make entries, so that no flood of tokens fills the table. */
function keep(): Directive[] {
  const mayKeep = all(test(variable(variables.answer.endSeconds), 'int', 'gt', 0), not(isFound(variables.odd)));
  const { endSeconds, recordNumber, coreNumber } = variables.answer;
  return [
    directive(request('track-sc0', variable(variables.key), 'table', backends.kept), mayKeep),
    ...[endSeconds, recordNumber, coreNumber].map((name, position) =>
      directive(request(`sc-set-gpt(${position},0)`, variable(name)), mayKeep),
    ),
  ];
}

function limit({ demands }: RuleScene): Directive[] {
  return limitRules(demands);
}

function body({ bounds }: RuleScene): Directive[] {
  const isTooLarge = test(call('req.body_size'), 'int', 'gt', bounds.bodyBytesMax);
  return [directive(returnWords('body-too-large'), isTooLarge)];
}

const traceparent = call('req.fhdr', 'traceparent');

/**
 * Fields of one connection. `Connection` could name ours, so that the service drops them; `Upgrade` could turn the connection
 * into one that nobody decides about.
 */
const ofConnection = '^(connection|proxy-connection|keep-alive|te|upgrade|http2-settings)$';

/** Nobody but us sets these. The pattern is the gate's own. */
function cleanse(): Directive[] {
  const pathAndQuery = format({ sample: call('pathq') });
  const hasOtherScheme = all(
    test(call('fc_http_major'), 'int', 2),
    not(test(call('url'), 'beg', 'http://', 'https://')),
  );
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
    directive(request('set-uri', pathAndQuery), hasOtherScheme),
  ];
}

/** The upstream learns who calls. */
function identify({ listeners }: RuleScene): Directive[] {
  const { subject, issuer } = recordFields;
  const kind = (letter: string): Condition => test(variable(variables.record), 'beg', letter);
  const assertion = chain(variable(variables.record), call('bytes', assertionOffset));
  return [
    directive(request('add-header', 'x-headgate-subject', format({ sample: recordField(subject) }))),
    directive(request('add-header', 'x-headgate-issuer', format({ sample: recordField(issuer) }))),
    directive(request('add-header', 'x-headgate-assertion', format({ sample: assertion }))),
    directive(request('set-header', 'x-headgate-assertion', format({ sample: recordField(-1) })), kind('L')),
    directive(request('del-header', '^x-headgate-(subject|issuer|assertion)$', '-m', 'reg'), kind('N')),
    ...stripLengths(listeners).flatMap(strip),
  ];
}

function stripLengths(listeners: readonly ListenerPlan[]): number[] {
  const routes = listeners.flatMap((listener) => listener.routes);
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
