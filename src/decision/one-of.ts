/** Names for a sentence: `a, b or c`; beyond eight they are counted. */
export function oneOf(names: readonly string[]): string {
  const shown = names.slice(0, 8);
  const rest = names.length - shown.length;
  const last = rest > 0 ? `${rest} others` : shown.pop();
  return shown.length === 0 ? `${last}` : `${shown.join(', ')} or ${last}`;
}
