import { z } from 'zod';
import { makeKey } from '../../../src/grants/index.ts';
import { openKeyStore } from '../../../src/store/index.ts';

/** An API key as a file of cases has it: what it is called, and how it is with it when the gateway starts. */
export const keySpec = z.strictObject({
  name: z.string(),
  /** `stranger`: well-formed and made by nobody. `other-secret`: the id is known, and was given out with another secret. */
  state: z.enum(['valid', 'expired', 'revoked', 'stranger', 'other-secret']).default('valid'),
});

export type KeySpec = z.infer<typeof keySpec>;

const hourMs = 3_600_000;

/** Puts the keys into the store of a state folder. Text of each, by its name in the file. */
export function makeKeys(state: string, specs: Readonly<Record<string, KeySpec>>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  if (Object.keys(specs).length === 0) return texts;
  const store = openKeyStore(state);
  for (const [label, { name, state: kind }] of Object.entries(specs)) {
    const made = makeKey();
    const nowMs = Date.now() - hourMs;
    const endsMs = kind === 'expired' ? nowMs + 1 : nowMs + 2 * hourMs;
    const hash = kind === 'other-secret' ? makeKey().hash : made.hash;
    if (kind !== 'stranger') store.create({ id: made.id, hash, name, owner: 'tests', endsMs }, { by: 'tests', nowMs });
    if (kind === 'revoked') store.revoke([made.id], { by: 'tests', nowMs });
    texts.set(label, made.text.reveal());
  }
  store.close();
  return texts;
}

/** Puts the text of a key where `{key:label}` stands. */
export function withKeyTexts(text: string, texts: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\{key:([\w-]+)\}/g, (_whole, label: string) => {
    const found = texts.get(label);
    if (found === undefined) throw new Error(`the file names no key ${label}`);
    return found;
  });
}
