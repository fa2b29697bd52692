import type { Demands } from './demands.ts';
import { backends } from './names.ts';
import {
  any,
  type Condition,
  call,
  chain,
  type Directive,
  directive,
  type Sample,
  type Section,
  test,
} from './print.ts';
import { recordFields, type Speed, slotFields, speeds } from './record.ts';
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
  return [
    ...used.map((speed) => directive(['http-request', `set-var(${timeName(speed)})`, timeSample(speed)])),
    ...numbers.flatMap((slot) => used.flatMap((speed) => look(slot, speed))),
    ...numbers.flatMap(weigh),
    ...numbers.flatMap((slot) => used.map((speed) => charge(slot, speed))),
  ];
}

const timeName = (speed: Speed): string => `txn.t.${speed.name}`;
const counterName = (slot: number, speed: Speed): string => `txn.n${slot}.${speed.name}`;
const debtName = (slot: number): string => `txn.debt${slot}`;
const burstName = (slot: number): string => `txn.burst${slot}`;
const costName = (slot: number): string => `txn.cost${slot}`;
const isUsed = (slot: number, speed: Speed): Condition => test(variable(counterName(slot, speed)), 'int', 'gt', 0);

function timeSample({ tickUs }: Speed): Sample {
  return chain(call('date', 0, 'us'), call('div', tickUs), call('and', mask));
}

/** Finds the counter and what is owed: the time by which it is ahead of now. */
function look(slot: number, speed: Speed): Directive[] {
  const counter = counterName(slot, speed);
  const debt = chain(call('sc_get_gpt', 0, slot), call('sub', timeName(speed)), call('and', mask));
  const when = isUsed(slot, speed);
  return [
    directive(['http-request', `set-var(${counter})`, recordField(slotFields(slot)[speed.name])]),
    directive(['http-request', `track-sc${slot}`, variable(counter), 'table', backends[speed.name]], when),
    directive(['http-request', `set-var(${debtName(slot)})`, debt], when),
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
  const refusal = returnWords('limit-exceeded', { 'retry-after': recordField(recordFields.retryAfter) });
  return [
    directive(['http-request', `set-var(${costName(slot)})`, chain(recordField(fields.cost), call('add', 0))]),
    directive(['http-request', `set-var(${burstName(slot)})`, chain(recordField(fields.burst), call('add', 0))]),
    directive(['http-request', `set-var(${debtName(slot)})`, call('int', 0)], isStale),
    directive(refusal, test(over, 'int', 'gt', 0)),
  ];
}

function charge(slot: number, speed: Speed): Directive {
  const debt = [call('add', debtName(slot)), call('add', costName(slot)), call('and', mask)];
  const next = chain(variable(timeName(speed)), ...debt);
  return directive(['http-request', `sc-set-gpt(0,${slot})`, next], isUsed(slot, speed));
}
