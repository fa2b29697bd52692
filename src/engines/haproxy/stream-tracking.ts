import { backends } from './names.ts';
import { type Condition, call, type Directive, directive, not, type Section, test } from './print.ts';
import { recordOffsets } from './record.ts';
import { recordField } from './refusals.ts';
import { request } from './words.ts';

/** HAProxy's number of what is tracked for an open call; limits have those before. */
const tracked = 2;
/** Calls that are open at once, and those that have ended since they were last cleared away, at most. */
export const openCallsMax = 1_000_000;
/** What an entry holds: the number of the permit (0: the call was refused), and the second in which it was let through, or refused. */
export const openNumbers = { permit: 0, second: 1 } as const;

/** In a record: the permit's number for open calls; `.`: nothing has to be known of such calls while they are open. */
const number = recordField(recordOffsets.version);

/** The calls that are open, each under its request's id: see stream-watch.ts. What has ended is cleared away by us, so nothing expires. */
export function openTable(): Section {
  return {
    head: ['backend', backends.open],
    lines: [
      directive([
        ...['stick-table', 'type', 'string', 'len', 40, 'size', openCallsMax, 'expire', '20d'],
        ...['store', 'gpt(2),conn_cur'],
      ]),
    ],
    notes: ['Calls that are open, by the id of their request.'],
  };
}

function trackLine(when: Condition): Directive {
  return directive(request(`track-sc${tracked}`, call('unique-id'), 'table', backends.open), when);
}

const setSecond = directive(request(`sc-set-gpt(${openNumbers.second},${tracked})`, call('date')));

/** Notes a call that is refused while its client goes on sending; it has no permit, which is 0. */
export function trackRefusedRules(when: Condition): Directive[] {
  return [trackLine(when), setSecond];
}

/** Notes it of a call whose permit has a number, and that; a rule on what isn't noted does nothing. */
export function trackOpenRules(): Directive[] {
  return [
    trackLine(not(test(number, 'str', '.'))),
    directive(request(`sc-set-gpt(${openNumbers.permit},${tracked})`, number)),
    setSecond,
  ];
}
