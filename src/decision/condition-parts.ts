import type { ConditionPlan, ConditionsPlan } from '../plan/types.ts';
import { addressBytes, type Cidr, isInCidr, parseCidr } from '../std/cidr.ts';
import { isOpen, printWindow } from '../std/weekly-window.ts';
import { type CelContext, compileCel } from './cel.ts';
import { oneOf } from './one-of.ts';
import type { RequestFacts } from './types.ts';
import { isTimeZone, wallClock } from './zoned-time.ts';

/** One call, as a part of its conditions sees it. */
export interface CallView {
  readonly facts: RequestFacts;
  /** With those headers in it. */
  context(headers: readonly string[]): CelContext;
}

/** One typed condition, or the one in CEL, made ready to be asked many times. */
export interface ConditionPart {
  readonly readsTime: boolean;
  readonly readsQueue: boolean;
  /** Throws where an error stands in the way. */
  holds(call: CallView): boolean;
  /** In words, for where it holds, */
  readonly met: string;
  /** where it does not, */
  unmet(facts: RequestFacts): string;
  /** and where an error stands in the way. */
  failed(error: string): string;
}

/** The parts that all have to hold. Throws TypeError where one is not what the compiler lets through. */
export function conditionParts({ via, from, during, when }: ConditionsPlan): readonly ConditionPart[] {
  return [via && viaPart(via), from && fromPart(from), during && duringPart(during), when && celPart(when)].filter(
    (part) => part !== undefined,
  );
}

function viaPart(listeners: readonly string[]): ConditionPart {
  const named = oneOf(listeners);
  return {
    readsTime: false,
    readsQueue: false,
    holds: ({ facts }) => listeners.includes(facts.listener),
    met: `it comes in by ${named}`,
    unmet: ({ listener }) => `listener ${listener} is not ${named}`,
    failed: (error) => `listener can't be told: ${error}`,
  };
}

function fromPart(written: readonly string[]): ConditionPart {
  const ranges = written.map(rangeOf);
  const named = oneOf(written);
  return {
    readsTime: false,
    readsQueue: false,
    holds({ facts }) {
      const address = addressBytes(facts.address);
      if (address === undefined) throw new RangeError(`"${facts.address}" is no address`);
      return ranges.some((range) => isInCidr(address, range));
    },
    met: `address is in ${named}`,
    unmet: ({ address }) => `address ${address} is not in ${named}`,
    failed: (error) => `address can't be held against ${named}: ${error}`,
  };
}

function rangeOf(text: string): Cidr {
  const range = parseCidr(text);
  if ('fault' in range) throw new TypeError(`${text} is no range of addresses`);
  return range;
}

function duringPart(windows: NonNullable<ConditionsPlan['during']>): ConditionPart {
  for (const { zone } of windows) if (!isTimeZone(zone)) throw new TypeError(`there is no time zone ${zone}`);
  const named = oneOf(windows.map(printWindow));
  return {
    readsTime: true,
    readsQueue: false,
    holds: ({ facts }) =>
      windows.some((window) => {
        const { weekday, minute } = wallClock(facts.nowMs, window.zone);
        return isOpen(window, weekday, minute);
      }),
    met: `it is within ${named}`,
    unmet: ({ nowMs }) => `${new Date(nowMs).toISOString()} is not within ${named}`,
    failed: (error) => `time can't be held against ${named}: ${error}`,
  };
}

function celPart({ cel }: ConditionPlan): ConditionPart {
  const condition = compileCel(cel);
  if ('faults' in condition) throw new TypeError(`${condition.faults[0]?.message ?? 'not a condition'}: ${cel}`);
  const { headers, time, queue } = condition.reads;
  return {
    readsTime: time,
    readsQueue: queue === true,
    holds: (call) => condition.holds(call.context(headers)),
    met: `condition holds: ${cel}`,
    unmet: () => `condition is false: ${cel}`,
    failed: (error) => `condition failed: ${error} in ${cel}`,
  };
}
