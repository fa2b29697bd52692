const units: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };
const form = /^([1-9][0-9]{0,9})(B|kB|MB|GB)$/;

/** `512kB`, `64MB` in bytes: one whole number from 1 and one unit, each 1,024 times the one before. Anything else: undefined. */
export function parseBytes(text: string): number | undefined {
  const match = form.exec(text);
  const unit = units[match?.[2] ?? ''];
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}
