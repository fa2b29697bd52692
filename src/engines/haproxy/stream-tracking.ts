import { backends, variables } from './names.ts';
import { all, type Condition, call, chain, type Directive, directive, not, type Section, test } from './print.ts';
import { recordOffsets } from './record.ts';
import { recordField } from './refusals.ts';
import { request } from './words.ts';

/** HAProxy's number of what is tracked for an open call; limits have those before. */
const tracked = 2;
/** Calls that are open at once, and those that have ended since they were last cleared away, at most: what is over is refused. */
export const openCallsMax = 250_000;
/** Of a request's id, an address, a `traceparent`, and what stands between them. */
const keyBytesMax = 160;
/** What an entry holds: the number of the permit (0: the call was refused), and the second in which it was let through, or refused. */
export const openNumbers = { permit: 0, second: 1 } as const;

/** In a record: the permit's number for open calls; `.`: nothing has to be known of such calls while they are open. */
const number = recordField(recordOffsets.version);
const isUnknown = test(number, 'str', '.');

/** Calls that are open, by id, address and trace: see stream-watch.ts. What has ended is cleared away by us, so nothing has to expire. */
export function openTable(): Section {
  const table = ['stick-table', 'type', 'string', 'len', keyBytesMax, 'size', openCallsMax, 'expire', '20d'] as const;
  return {
    head: ['backend', backends.open],
    lines: [directive([...table, 'store', 'gpt(2),conn_cur'])],
    notes: ['Calls that are open, by the id of their request, its address and its trace.'],
  };
}

const key = chain(call('unique-id'), call('concat', '/', variables.address), call('concat', '/', variables.trace));

function trackLine(when: Condition): Directive {
  return directive(request(`track-sc${tracked}`, key, 'table', backends.open), when);
}

const setSecond = directive(request(`sc-set-gpt(${openNumbers.second},${tracked})`, call('date')));

/** Notes a call that is refused while its client goes on sending; it has no permit, which is 0. */
export function trackRefusedRules(when: Condition): Directive[] {
  return [trackLine(when), setSecond];
}

/**
 * Notes a call whose permit has a number, and that; a rule on what isn't noted does nothing. What can't be noted is refused, as where no
 * replica can be reached: one rule, because each call pays for it.
 */
export function trackOpenRules(): Directive[] {
  return [
    directive(request(`set-var(${variables.address})`, call('src')), not(isUnknown)),
    trackLine(not(isUnknown)),
    directive(request(`sc-set-gpt(${openNumbers.permit},${tracked})`, number)),
    setSecond,
    directive(request('deny', 'deny_status', 503), all(not(isUnknown), not(test(call('sc_tracked', tracked), 'bool')))),
  ];
}
