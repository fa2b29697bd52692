const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const form = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/;

/** The written form, as JSON Schema's `pattern` needs it. */
export const durationPattern = form;

/** Longest duration: 365 days. Milliseconds. */
export const durationMsMax = 365 * 86_400_000;

/** `250ms`, `2s`, `5m`, `4h`, `30d` in milliseconds: one whole number from 1, one unit, at most `durationMsMax`. Anything else: undefined. */
export function parseDurationMs(text: string): number | undefined {
  const match = form.exec(text);
  const unitMs = unitsMs[match?.[2] ?? ''];
  if (unitMs === undefined) return undefined;
  const durationMs = Number(match?.[1]) * unitMs;
  return durationMs <= durationMsMax ? durationMs : undefined;
}

/** As `parseDurationMs` reads it, in the largest unit that leaves a whole number: `1500ms`, `2s`, `1m`. */
export function printDuration(durationMs: number): string {
  const [unit, unitMs] = Object.entries(unitsMs).findLast(([, each]) => durationMs % each === 0) ?? ['ms', 1];
  return `${durationMs / unitMs}${unit}`;
}
