import { printableLine } from '../std/invisible.ts';
import { looksLikeSecret } from '../std/secret-text.ts';

/** Longest piece of a written text that a message repeats. */
const shownCharactersMax = 60;

/** A written text as a message may repeat it: bounded, on one line, never a secret. */
export function shown(written: string): string {
  if (looksLikeSecret(written)) return '***';
  const line = printableLine(written.replace(/\s+/g, ' '));
  return line.length > shownCharactersMax ? `${line.slice(0, shownCharactersMax)}…` : line;
}
