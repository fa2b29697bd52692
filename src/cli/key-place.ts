import { userInfo } from 'node:os';
import type { Act, KeyStore } from '../grants/index.ts';
import { openKeyStore } from '../store/index.ts';
import { boundEnvironment } from './bound-environment.ts';

/** Where the keys of an environment are. */
export interface KeyPlace {
  readonly state: string;
  /** The engine that the environment names. */
  readonly engine: string;
  readonly environment: string;
}

/** By the environment alone: its policy may be under repair when a key has to go. */
export async function keyPlace(named: string): Promise<KeyPlace> {
  const { state, engine, name } = await boundEnvironment(named);
  return { state: state.value, engine: engine.value, environment: name.value };
}

/** Works on the store of an environment, whether Headgate runs or not. */
export async function withKeys<T>(
  named: string,
  work: (store: KeyStore, place: KeyPlace) => T | Promise<T>,
): Promise<T> {
  const place = await keyPlace(named);
  const store = openKeyStore(place.state);
  try {
    return await work(store, place);
  } finally {
    store.close();
  }
}

/** The person at the keyboard, as far as the operating system knows. */
export function actNow(): Act {
  return { by: userName(), nowMs: Date.now() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
