import type { Demands } from './demands.ts';
import { backends, variables } from './names.ts';
import { any, call, chain, type Directive, directive, type Sample, type Section, test } from './print.ts';
import { type Speed, slotFields, speeds } from './record.ts';
import { recordField, returnWords } from './refusals.ts';

const mask = 4294967295;
const variable = (name: string): Sample => call('var', name);

/** Tables of counters. Always there, so that a policy that first brings a limit needs as little as possible anew. */
export function limitTables(entries: number): Section[] {
  return speeds.map(({ name, idle }) => ({
    head: ['backend', backends[name]],
    lines: [directive(['stick-table', 'type', 'integer', 'size', entries, 'expire', idle, 'store', 'gpt(1)'])],
    notes: [`Arrival times of callers, by the number of the counter (${name}).`],
  }));
}

/**
 * The generic cell rate algorithm over stick tables: a counter holds the theoretical arrival time of the next call, in ticks
 * modulo 2^32. All slots are looked at before any is charged, so that a refused call costs nothing.
 */
export function limitRules({ slots, speeds: names }: Demands): Directive[] {
  const used = speeds.filter(({ name }) => names.includes(name));
  if (slots === 0) return [];
  const numbers = Array.from({ length: slots }, (_, index) => index + 1);
  const found = test(variable(variables.reason), 'found');
  return [
    ...used.map((speed) => directive(['http-request', `set-var(${timeName(speed)})`, timeSample(speed)])),
    ...numbers.flatMap((slot) => used.flatMap((speed) => look(slot, speed))),
    ...numbers.flatMap(weigh),
    directive(returnWords('limit-exceeded', { 'retry-after': recordField(6) }), found),
    ...numbers.flatMap((slot) => used.map((speed) => charge(slot, speed))),
  ];
}

const timeName = (speed: Speed): string => `txn.t.${speed.name}`;
const debtName = (slot: number): string => `txn.debt${slot}`;
const burstName = (slot: number): string => `txn.burst${slot}`;
const costName = (slot: number): string => `txn.cost${slot}`;

function timeSample({ tickUs }: Speed): Sample {
  return chain(call('date', 0, 'us'), call('div', tickUs), call('and', mask));
}

/** Finds the counter and what is owed: the time by which it is ahead of now. */
function look(slot: number, speed: Speed): Directive[] {
  const fields = slotFields(slot);
  const key = recordField(fields[speed.name]);
  const isUsed = test(key, 'int', 'gt', 0);
  const debt = chain(call('sc_get_gpt', 0, slot), call('sub', timeName(speed)), call('and', mask));
  return [
    directive(['http-request', `track-sc${slot}`, key, 'table', backends[speed.name]], isUsed),
    directive(['http-request', `set-var(${debtName(slot)})`, debt], isUsed),
  ];
}

/** A counter that is new, or further ahead than a burst, is one of long ago: nothing is owed. */
function weigh(slot: number): Directive[] {
  const fields = slotFields(slot);
  const debt = variable(debtName(slot));
  const isStale = any(
    test(call('sc_get_gpt', 0, slot), 'int', 'eq', 0),
    test(chain(debt, call('sub', burstName(slot))), 'int', 'gt', 0),
  );
  const over = chain(debt, call('add', costName(slot)), call('sub', burstName(slot)));
  return [
    directive(['http-request', `set-var(${costName(slot)})`, chain(recordField(fields.cost), call('add', 0))]),
    directive(['http-request', `set-var(${burstName(slot)})`, chain(recordField(fields.burst), call('add', 0))]),
    directive(['http-request', `set-var(${debtName(slot)})`, call('int', 0)], isStale),
    directive(
      ['http-request', `set-var(${variables.reason})`, call('str', 'limit-exceeded')],
      test(over, 'int', 'gt', 0),
    ),
  ];
}

function charge(slot: number, speed: Speed): Directive {
  const next = chain(
    variable(timeName(speed)),
    call('add', debtName(slot)),
    call('add', costName(slot)),
    call('and', mask),
  );
  return directive(
    ['http-request', `sc-set-gpt(0,${slot})`, next],
    test(recordField(slotFields(slot)[speed.name]), 'int', 'gt', 0),
  );
}
