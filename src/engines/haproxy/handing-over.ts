import { assertionHeader, issuerHeader, subjectHeader } from '../../gate/index.ts';
import { carriedField, passField, startedField } from '../assisted-fields.ts';
import type { Demands } from './demands.ts';
import { variables } from './names.ts';
import { type Condition, call, chain, type Directive, directive, format, test } from './print.ts';
import { handedKinds, recordOffsets } from './record.ts';
import { recordField } from './refusals.ts';
import { isRelaying, relayedRules } from './relayed-rules.ts';
import { request, variable } from './words.ts';

/** The record of a call that goes the assisted way. */
export const isHandedOver: Condition = test(variable(variables.record), 'beg', ...Object.values(handedKinds));

/**
 * What the service learns of who calls, and what the assisting side learns of the call: its pass, and when it came in. All that a
 * client sent under these names was removed before.
 */
export function handOverRules({ demands }: { readonly demands: Demands }): Directive[] {
  const { subject } = recordOffsets;
  const isKnown = test(variable(variables.record), 'beg', handedKinds.known, handedKinds.relayed);
  const isRelayed = test(variable(variables.record), 'beg', handedKinds.relayed);
  const last = chain(variable(variables.record), call('field', -1, ' '));
  return [
    directive(request('set-header', subjectHeader, format({ sample: recordField(subject) })), isKnown),
    directive(request('set-header', issuerHeader, format({ sample: recordField(subject, 1) })), isKnown),
    directive(request('set-header', assertionHeader, format({ sample: last })), isKnown),
    ...(isRelaying(demands) ? relayedRules(isRelayed) : []),
    directive(request('set-header', passField, format({ sample: recordField(subject, 4) }))),
    // Seconds, and behind them three digits of milliseconds.
    directive(request('set-header', startedField, format({ field: 'Ts' }, { field: 'ms' }))),
  ];
}

/** How it was carried is for the audit, and for nobody else. */
export function takeBackRules(): Directive[] {
  return [
    directive(['http-response', `set-var(${variables.carried})`, call('res.fhdr', carriedField)]),
    directive(['http-response', 'del-header', carriedField]),
  ];
}
