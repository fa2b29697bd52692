/** So many calls in a period. */
export interface Rate {
  readonly count: number;
  readonly periodMs: number;
}

/** Largest count of a rate. */
export const rateCountMax = 1_000_000_000;

const periodsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
const form = /^([1-9][0-9]{0,9})\/([smh])$/;

/** The written form, as JSON Schema's `pattern` needs it. */
export const ratePattern = form;

/** `200/s`, `10/m`, `5/h`: a whole count from 1 to `rateCountMax` in a second, minute or hour. Anything else: undefined. */
export function parseRate(text: string): Rate | undefined {
  const match = form.exec(text);
  const count = Number(match?.[1]);
  const periodMs = periodsMs[match?.[2] ?? ''];
  if (periodMs === undefined || count > rateCountMax) return undefined;
  return { count, periodMs };
}
