import { assertionHeader, chainHeader } from '../../gate/index.ts';
import type { Demands } from './demands.ts';
import { variables } from './names.ts';
import { type Condition, call, chain, type Directive, directive, format } from './print.ts';
import { request, variable } from './words.ts';

/** Whether any gateway is believed when it says who a call is made for: then that is a part of the key. */
export function isRelaying({ headers }: Demands): boolean {
  return headers.includes(chainHeader);
}

/** What the service gets of a call that is made for another: the newest assertion, the last field of its record, and those before. */
export function relayedRules(isRelayed: Condition): Directive[] {
  const field = (fromEnd: number) =>
    format({ sample: chain(variable(variables.record), call('field', -fromEnd, ' ')) });
  return [
    directive(request('set-header', assertionHeader, field(1)), isRelayed),
    directive(request('set-header', chainHeader, field(2)), isRelayed),
  ];
}
