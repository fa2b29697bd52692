/** A whole, in parts per million. */
export const wholePpm = 1_000_000;

const form = /^([0-9]{1,3})(?:\.([0-9]{1,4}))?%$/;

/** The written form, as JSON Schema's `pattern` needs it. */
export const sharePattern = form;

/** `5%`, `0.25%`, as parts per million: from 0 % to 100 %. Anything else: undefined. */
export function parseShare(text: string): number | undefined {
  const [, whole, decimals = ''] = form.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const ppm = Number(whole) * 10_000 + Number(decimals.padEnd(4, '0'));
  return ppm > wholePpm ? undefined : ppm;
}

/** Parts per million as people write them: `5 %`. */
export function printShare(ppm: number): string {
  return `${ppm / 10_000} %`;
}
