import { type ApiKey, isSecretOf, type KeyStore, readKeyText } from '../grants/index.ts';
import { UsageError } from './usage-error.ts';

/** Keys that are looked for in one text. */
const keysMax = 1000;

/**
 * The keys of the store that stand in a text: alone, in a header line, in a log that was leaked. Throws `UsageError` where none
 * does, or one is cut short; their text is never repeated.
 */
export function keysIn(text: string, store: KeyStore): readonly ApiKey[] {
  const found = [...new Set(text.match(/hgk_[0-9A-Za-z]*/g) ?? [])];
  if (found.length === 0) throw new UsageError('there is no API key in standard input', 'they begin with hgk_');
  if (found.length > keysMax) throw new UsageError(`there are more than ${keysMax} keys in standard input`);
  const keys = new Map<string, ApiKey>();
  let whole = 0;
  for (const each of found) {
    const read = readKeyText(each);
    if (read === undefined) continue;
    whole += 1;
    const stored = store.find(read.id);
    if (stored === undefined || !isSecretOf(stored.hash, read.secret)) continue;
    const { hash: _hash, ...key } = stored;
    keys.set(key.id, key);
  }
  if (whole === 0) {
    throw new UsageError('what begins like an API key in standard input is not a whole one', 'a key has 64 characters');
  }
  return [...keys.values()];
}
