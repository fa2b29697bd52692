import { readFileSync } from 'node:fs';

/** Files that HAProxy loads where gRPC is listened for, in this order: later ones use what earlier ones define. */
export const luaNames = ['fields.lua', 'fetch.lua', 'append.lua', 'filter.lua', 'refuse.lua'] as const;

/** File name → text. */
export function luaFiles(): Record<string, string> {
  return Object.fromEntries(
    luaNames.map((name) => [name, readFileSync(new URL(`lua/${name}`, import.meta.url), 'utf8')]),
  );
}
