/** One part of a wall clock, as CEL counts it: months and `dayOfMonth` from 0, Sunday is 0. */
export type ZonedPart =
  | 'year'
  | 'month'
  | 'day'
  | 'dayOfMonth'
  | 'weekday'
  | 'dayOfYear'
  | 'hour'
  | 'minute'
  | 'second';

/** CEL's methods of a timestamp that take a time zone, and what each tells. */
export const zonedMethods: ReadonlyMap<string, ZonedPart> = new Map([
  ['getFullYear', 'year'],
  ['getMonth', 'month'],
  ['getDate', 'day'],
  ['getDayOfMonth', 'dayOfMonth'],
  ['getDayOfWeek', 'weekday'],
  ['getDayOfYear', 'dayOfYear'],
  ['getHours', 'hour'],
  ['getMinutes', 'minute'],
  ['getSeconds', 'second'],
]);

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether a name is one of the IANA time zone database, as this Node knows it, or an offset like `+02:00`. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** What a clock on the wall in that zone shows. Throws RangeError for an unknown zone. */
export function zonedPart(timeMs: number, zone: string, part: ZonedPart): bigint {
  const fields = new Map<string, number>();
  for (const { type, value } of formatOf(zone).formatToParts(timeMs)) fields.set(type, Number(value));
  const field = (type: string) => fields.get(type) ?? Number.NaN;
  const midnightMs = Date.UTC(field('year'), field('month') - 1, field('day'));
  switch (part) {
    case 'year':
    case 'day':
    case 'hour':
    case 'minute':
    case 'second':
      return BigInt(field(part));
    case 'month':
      return BigInt(field('month') - 1);
    case 'dayOfMonth':
      return BigInt(field('day') - 1);
    case 'weekday':
      return BigInt(new Date(midnightMs).getUTCDay());
    case 'dayOfYear':
      return BigInt((midnightMs - Date.UTC(field('year'), 0, 1)) / 86_400_000);
    default:
      return part satisfies never;
  }
}

/** Day of the week (Sunday is 0) and minute of the day that a clock on the wall in that zone shows. Throws RangeError for an unknown zone. */
export function wallClock(timeMs: number, zone: string): WallClock {
  const minuteMs = Math.floor(timeMs / 60_000) * 60_000;
  const last = clocks.get(zone);
  if (last?.minuteMs === minuteMs) return last;
  const part = (name: ZonedPart) => Number(zonedPart(minuteMs, zone, name));
  const clock = { minuteMs, weekday: part('weekday'), minute: part('hour') * 60 + part('minute') };
  clocks.set(zone, clock);
  return clock;
}

export interface WallClock {
  readonly minuteMs: number;
  readonly weekday: number;
  readonly minute: number;
}

/** The last minute that was asked for, by zone: within it no clock shows another. */
const clocks = new Map<string, WallClock>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const numeric = 'numeric';
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
  });
  // Zones stand as literals in conditions that were checked: there are as many as the policy writes.
  formats.set(zone, format);
  return format;
}
