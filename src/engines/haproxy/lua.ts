import { readFileSync } from 'node:fs';
import {
  type DenialReason,
  denialRow,
  denials,
  errorDomain,
  errorReason,
  faultReason,
  grpcStatusOf,
} from '../../gate/index.ts';

/** What Lua has to know of refusals; written from the table. */
const denialsName = 'denials.lua';

/** Files that HAProxy loads where gRPC messages are walked, in this order: later ones use what earlier ones define. */
export const luaNames = [
  'fields.lua',
  denialsName,
  'details.lua',
  'fetch.lua',
  'append.lua',
  'filter.lua',
  'refuse.lua',
] as const;
/** The same where messages pass as they come. */
export const streamLuaNames = ['fields.lua', denialsName, 'details.lua', 'answer.lua'] as const;

/** File name → text. */
export function luaFiles(names: readonly string[] = luaNames): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      name === denialsName ? denialsText() : readFileSync(new URL(`lua/${name}`, import.meta.url), 'utf8'),
    ]),
  );
}

function denialsText(): string {
  const rows = (Object.keys(denials) as DenialReason[]).map((reason) => {
    const { sentence, retryAfterSeconds } = denialRow(reason);
    const fields = [
      `code = ${grpcStatusOf(reason)}`,
      `reason = ${luaText(errorReason(reason))}`,
      `sentence = ${luaText(sentence)}`,
      ...(retryAfterSeconds === undefined ? [] : [`seconds = ${retryAfterSeconds}`]),
    ];
    return `  [${luaText(reason)}] = { ${fields.join(', ')} },\n`;
  });
  const names = `headgate.domain, headgate.fault_reason = ${luaText(errorDomain)}, ${luaText(faultReason)}`;
  return `${names}\nheadgate.denials = {\n${rows.join('')}}\n`;
}

/** A string of Lua; everything but plain characters by its bytes. */
function luaText(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
