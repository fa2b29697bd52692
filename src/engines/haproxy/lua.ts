import { readFileSync } from 'node:fs';

/** Files that HAProxy loads where gRPC messages are walked, in this order: later ones use what earlier ones define. */
export const luaNames = ['fields.lua', 'fetch.lua', 'append.lua', 'filter.lua', 'refuse.lua'] as const;
/** Those that it loads where messages pass as they come. */
export const streamLuaNames = ['answer.lua'] as const;

/** File name → text. */
export function luaFiles(names: readonly string[] = luaNames): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, readFileSync(new URL(`lua/${name}`, import.meta.url), 'utf8')]));
}
