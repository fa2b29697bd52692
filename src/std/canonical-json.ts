/** What canonical JSON can hold: plain data, no functions, no undefined inside arrays. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * One text for one value: object keys sorted by code unit, no white space, `undefined` members left out.
 * Source: the idea of RFC 8785; numbers are ECMAScript's own shortest form, as that RFC asks.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isRecord(member) ? sorted(member) : member));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(record).sort((a, b) => (a < b ? -1 : 1));
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}
