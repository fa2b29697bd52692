/**
 * Characters that show nothing, or that reorder or hide what stands beside them: control characters, bidirectional controls,
 * zero-width characters, line and paragraph separators, the byte order mark. Tab, line feed and carriage return are among them.
 */
const invisible = /[\p{Cc}\p{Bidi_Control}\u200b-\u200f\u2028\u2029\u2060-\u2064\ufeff]/gu;

/** Each invisible character of a text with its offset, but for those that are allowed. */
export function findInvisible(
  text: string,
  allowed: string,
): { readonly character: string; readonly offset: number }[] {
  const found = [...text.matchAll(invisible)].map((match) => ({ character: match[0], offset: match.index }));
  return found.filter((each) => !allowed.includes(each.character));
}

/** Whether a text that should be one plain line holds any of them. */
export function hasInvisible(text: string): boolean {
  return text.search(invisible) !== -1;
}

/** The text as one line that is safe to print to a terminal: a tab is a space, other invisible characters are `·`. */
export function printableLine(text: string): string {
  return text.replace(/\t/g, ' ').replace(invisible, '·');
}
