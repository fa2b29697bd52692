import type { ApiKey } from './types.ts';

/** Longest name of a key or its owner. Characters. */
export const keyNameCharactersMax = 120;

const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

export type KeyState = 'valid' | 'expired' | 'revoked';

export function stateOf({ revokedMs, endsMs }: Pick<ApiKey, 'revokedMs' | 'endsMs'>, nowMs: number): KeyState {
  if (revokedMs !== undefined) return 'revoked';
  return nowMs < endsMs ? 'valid' : 'expired';
}

/** Whether a key can have this name: what a policy can write in `keys: { name: … }`. */
export function isKeyName(text: string): boolean {
  return text.length <= keyNameCharactersMax && nameForm.test(text);
}
