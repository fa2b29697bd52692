import type { KeyAct } from './types.ts';

/** Begins every line of control's own spool. */
const mark = 'k1\t';
const acts: ReadonlySet<string> = new Set(['created', 'rotated', 'revoked'] satisfies KeyAct['act'][]);

/** One line of control's spool: what was done with an API key. JSON escapes tabs and newlines, so that no owner can forge a line. */
export function keyLine(done: KeyAct): string {
  const { timeMs, change, act, keyId, name, owner, by, endsMs } = done;
  return `${mark}${JSON.stringify({ timeMs, change, act, keyId, name, owner, by, endsMs })}\n`;
}

/** Reads such a line. */
export function parseKeyLine(line: string): { readonly key: KeyAct } | { readonly unreadable: string } {
  try {
    const key = JSON.parse(line.slice(mark.length)) as KeyAct;
    if (line.startsWith(mark) && isWhole(key)) return { key };
  } catch {
    // Told below.
  }
  return { unreadable: 'not a line of the form k1' };
}

function isWhole({ timeMs, change, act, keyId, name, owner, by, endsMs }: KeyAct): boolean {
  const texts = [keyId, name, owner, by].every((each: unknown) => typeof each === 'string');
  return texts && acts.has(act) && [timeMs, change, endsMs].every(Number.isSafeInteger);
}

/** What an operator reads of it, but for the time: `alice revoked the API key batch-scorer of finance-leads (id …)`. */
export function keyActText({ act, keyId, name, owner, by, endsMs }: KeyAct): string {
  const key = `the API key ${name} of ${owner}`;
  const ends = new Date(endsMs).toISOString();
  switch (act) {
    case 'created':
      return `${by} created ${key} (id ${keyId}), good until ${ends}`;
    case 'rotated':
      return `${by} rotated ${key}: the new one has id ${keyId}, the one before it ends at ${ends}`;
    case 'revoked':
      return `${by} revoked ${key} (id ${keyId})`;
    default:
      return act satisfies never;
  }
}
