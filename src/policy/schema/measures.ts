import { z } from 'zod';
import { durationPattern, parseDurationMs, printDuration } from '../../std/duration.ts';
import { shown } from '../shown.ts';
import { text } from './leaves.ts';
import { type Fault, note, notes } from './notes.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A duration such as `2s`, within bounds of milliseconds. `key`: the key that it stands under. */
export function duration(key: string, { min, max }: Bounds, description: string): z.ZodString {
  const range = `${printDuration(min)} to ${printDuration(max)}`;
  const hint = `a whole number with its unit, ${range}: \`2s\`, \`500ms\``;
  const malformed = (written: string): Fault => {
    return { code: 'HG1320', message: `\`${shown(written)}\` is not a duration`, hint };
  };
  return text(
    'a duration such as `2s`',
    (written) => {
      const durationMs = parseDurationMs(written);
      if (durationMs === undefined) return malformed(written);
      if (durationMs >= min && durationMs <= max) return undefined;
      return { code: 'HG1320', message: `\`${key}\` is ${range}, not \`${written}\``, hint: `write ${range}` };
    },
    {
      pattern: durationPattern,
      description: `${description} ${range}.`,
      hint,
      otherKind: (value) => (typeof value === 'number' ? malformed(String(value)) : undefined),
    },
  );
}

/** A whole number within bounds. */
export function count(key: string, { min, max }: Bounds, description: string): z.ZodNumber {
  const range = `${min} to ${max}`;
  const outside = (value: unknown): Fault | undefined => {
    if (typeof value !== 'number' || (Number.isInteger(value) && value >= min && value <= max)) return undefined;
    return {
      code: 'HG1321',
      message: `\`${key}\` is ${range}, not \`${value}\``,
      hint: `a whole number from ${range}`,
    };
  };
  return z
    .int()
    .min(min)
    .max(max)
    .describe(`${description} ${range}.`)
    .register(
      notes,
      note({ what: `a whole number from ${range}`, hint: 'in decimal digits, without quotes', otherKind: outside }),
    );
}
