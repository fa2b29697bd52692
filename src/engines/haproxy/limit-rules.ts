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
import { recordOffsets, type Speed, slotOffsets, speeds } from './record.ts';
import { type Refusing, recordField } from './refusals.ts';
import { request, variable } from './words.ts';

const mask = 4294967295;

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
 * modulo 2^32. All slots are looked at before any is charged, so that a refused call costs nothing. Where there is one table only,
 * a slot that isn't used counts by the key 0, at no cost and with no burst, which refuses nobody.
 */
export function limitRules({ slots, speeds: names }: Demands, refusing: Refusing): Directive[] {
  const used = speeds.filter(({ name }) => names.includes(name));
  if (slots === 0) return [];
  const numbers = Array.from({ length: slots }, (_, index) => index + 1);
  return [
    ...used.map((speed) => directive(request(`set-var(${timeName(speed)})`, timeSample(speed)))),
    ...numbers.flatMap((slot) => used.flatMap((speed) => look(slot, speed, used.length > 1))),
    ...numbers.flatMap((slot) => weigh(slot, refusing)),
    ...numbers.flatMap((slot) => used.map((speed) => charge(slot, speed, used.length > 1))),
  ];
}

const timeName = (speed: Speed): string => `req.t.${speed.name}`;
const debtName = (slot: number): string => `req.debt${slot}`;
const burstName = (slot: number): string => `req.burst${slot}`;
const costName = (slot: number): string => `req.cost${slot}`;
const counter = (slot: number, speed: Speed): Sample => recordField(slotOffsets(slot)[speed.name]);
const isUsed = (slot: number, speed: Speed): Condition => test(counter(slot, speed), 'int', 'gt', 0);
/** HAProxy's number of what is tracked for a slot. */
const tracked = (slot: number): number => slot - 1;

function timeSample({ tickUs }: Speed): Sample {
  return chain(call('date', 0, 'us'), call('div', tickUs), call('and', mask));
}

/** Finds the counter and what is owed: the time by which it is ahead of now. */
function look(slot: number, speed: Speed, isChoice: boolean): Directive[] {
  const debt = chain(call('sc_get_gpt', 0, tracked(slot)), call('sub', timeName(speed)), call('and', mask));
  const when = isChoice ? isUsed(slot, speed) : undefined;
  const track = `track-sc${tracked(slot)}`;
  return [
    directive(request(track, counter(slot, speed), 'table', backends[speed.name]), when),
    directive(request(`set-var(${debtName(slot)})`, debt), when),
  ];
}

/** A counter that is further ahead than a burst, or new, is one of long ago: nothing is owed. */
function weigh(slot: number, refusing: Refusing): Directive[] {
  const offsets = slotOffsets(slot);
  const debt = variable(debtName(slot));
  const isStale = any(
    test(chain(debt, call('sub', burstName(slot))), 'int', 'gt', 0),
    test(call('sc_get_gpt', 0, tracked(slot)), 'int', 'eq', 0),
  );
  const over = chain(debt, call('add', costName(slot)), call('sub', burstName(slot)));
  const told = {
    'retry-after': recordField(recordOffsets.retryAfter),
    'ratelimit-policy': recordField(recordOffsets.subject, 3),
  };
  return [
    directive(request(`set-var(${costName(slot)})`, chain(recordField(offsets.cost), call('add', 0)))),
    directive(request(`set-var(${burstName(slot)})`, chain(recordField(offsets.burst), call('add', 0)))),
    directive(request(`set-var(${debtName(slot)})`, call('int', 0)), isStale),
    ...refusing('limit-exceeded', test(over, 'int', 'gt', 0), told),
  ];
}

function charge(slot: number, speed: Speed, isChoice: boolean): Directive {
  const debt = [call('add', debtName(slot)), call('add', costName(slot)), call('and', mask)];
  const next = chain(variable(timeName(speed)), ...debt);
  const when = isChoice ? isUsed(slot, speed) : undefined;
  return directive(request(`sc-set-gpt(0,${tracked(slot)})`, next), when);
}
