import type { UpstreamPlan } from '../../plan/types.ts';
import { variables } from './names.ts';
import { type Condition, call, chain, type Directive, directive, type Sample, test } from './print.ts';
import { silenceMsOf } from './traffic-lines.ts';
import { request, variable } from './words.ts';

/** What a client says of the time it has: the gRPC protocol's `Timeout`, one to eight digits and a unit. */
export const timeoutField = call('req.fhdr', 'grpc-timeout');
export const timeoutPattern = '^[0-9]{1,8}[HMSmun]$';
const said = variable(variables.timeout);

/** Units, and how their number becomes milliseconds; what is left of one counts as one. Reading a number ends where its digits do. */
const units: readonly (readonly [unit: string, ...toMs: Sample[]])[] = [
  ['H', call('mul', 3_600_000)],
  ['M', call('mul', 60_000)],
  ['S', call('mul', 1000)],
  ['m', call('add', 0)],
  ['u', call('add', 999), call('div', 1000)],
  ['n', call('add', 999_999), call('div', 1_000_000)],
];

const deadline = variable(variables.deadline);

/** That a client has less time than the service gives; nothing is said: it doesn't hold. */
export function isSooner(upstream: UpstreamPlan): Condition {
  return test(chain(deadline, call('sub', silenceMsOf(upstream))), 'int', 'lt', 0);
}

/**
 * A client's `grpc-timeout`, where it is shorter than what the service has: how long a replica may then be silent. It is passed on as it
 * is. A call that says nothing pays for the look at its fields; one that can't be read was refused.
 */
export function timeoutRules(upstream: UpstreamPlan): Directive[] {
  return [
    directive(request(`set-var(${variables.timeout})`, timeoutField), test(timeoutField, 'reg', timeoutPattern)),
    ...units.map(([unit, ...toMs]) =>
      directive(request(`set-var(${variables.deadline})`, chain(said, ...toMs)), test(said, 'end', unit)),
    ),
    // None would be no bound at all: it is one.
    directive(request('set-timeout', 'server', chain(deadline, call('or', 1))), isSooner(upstream)),
  ];
}
