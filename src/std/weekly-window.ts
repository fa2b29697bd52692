/** Sunday is 0. */
export type Weekday = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** A window that opens on certain days, by a clock on the wall of a time zone. */
export interface WeeklyWindow {
  /** Days on which it opens, ascending; all seven where none are written. */
  readonly days: readonly Weekday[];
  /** Minutes after midnight, from 0 to 1439: it is open from then on, */
  readonly fromMinute: number;
  /** until, and without, this one: 1 to 1440. Not above `fromMinute`: of the day after. */
  readonly toMinute: number;
  /** A name of the IANA time zone database, as written. */
  readonly zone: string;
}

export type WindowFault = 'malformed' | 'days' | 'time' | 'zone-missing' | 'empty';

const dayNames: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const allDays: readonly Weekday[] = [0, 1, 2, 3, 4, 5, 6];
const timeForm = /^([01][0-9]|2[0-4]):([0-5][0-9])$/;

/**
 * `22:00-06:00 Europe/Zurich`, `mon-fri 08:00-18:00 UTC`, `sat,sun 00:00-24:00 Asia/Tokyo`. A window over midnight belongs
 * to the day on which it opens. Whether there is such a zone is not looked at.
 */
export function parseWindow(text: string): WeeklyWindow | { readonly fault: WindowFault } {
  const words = text.trim().split(/\s+/);
  const first = words[0] ?? '';
  const days = /^[a-z]/i.test(first) && words.length > 1 ? parseDays(first.toLowerCase()) : allDays;
  const [times = '', zone, ...rest] = /^[a-z]/i.test(first) ? words.slice(1) : words;
  if (days === undefined) return { fault: 'days' };
  if (!times.includes('-') || rest.length > 0) return { fault: 'malformed' };
  const [fromMinute, toMinute, ...more] = times.split('-').map(parseMinute);
  if (fromMinute === undefined || toMinute === undefined || fromMinute === 1440 || more.length > 0)
    return { fault: 'time' };
  if (fromMinute === toMinute) return { fault: 'empty' };
  if (zone === undefined) return { fault: 'zone-missing' };
  // Up to midnight is up to the end of the day.
  return { days, fromMinute, toMinute: toMinute === 0 ? 1440 : toMinute, zone };
}

/** Whether it is open when that clock shows this day and minute. */
export function isOpen({ days, fromMinute, toMinute }: WeeklyWindow, weekday: number, minute: number): boolean {
  const today = days.some((day) => day === weekday);
  if (fromMinute < toMinute) return today && minute >= fromMinute && minute < toMinute;
  if (minute >= fromMinute) return today;
  return minute < toMinute && days.some((day) => day === (weekday + 6) % 7);
}

/** `mon-fri 08:00-18:00 UTC`: one text for each window. */
export function printWindow({ days, fromMinute, toMinute, zone }: WeeklyWindow): string {
  const named = days.length === 7 ? '' : `${days.map((day) => dayNames[day]).join(',')} `;
  return `${named}${clock(fromMinute)}-${clock(toMinute)} ${zone}`;
}

function parseDays(text: string): readonly Weekday[] | undefined {
  const found = new Set<Weekday>();
  for (const part of text.split(',')) {
    const [first, last, ...more] = part.split('-').map(parseDay);
    if (first === undefined || more.length > 0 || (last === undefined && part.includes('-'))) return undefined;
    for (let day = first; ; day = ((day + 1) % 7) as Weekday) {
      found.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return [...found].sort((a, b) => a - b);
}

function parseDay(text: string): Weekday | undefined {
  const found = dayNames.indexOf(text);
  return found < 0 ? undefined : (found as Weekday);
}

function parseMinute(text: string): number | undefined {
  const [, hours, minutes] = timeForm.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const minute = Number(hours) * 60 + Number(minutes);
  return minute <= 1440 ? minute : undefined;
}

function clock(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
