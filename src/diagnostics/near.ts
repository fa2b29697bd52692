/** Edits (insert, delete, replace, swap neighbours) from one word to another, by letters without regard to case. */
function distance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1];
      let best = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[right.length] ?? 0;
}

/** Longest word that near names are looked for: the work grows with its square. */
const wordLengthMax = 64;
/** Most names that are compared. */
const namesComparedMax = 10_000;

/** Of the known names the one most like what was written, where it is like enough to be what was meant: one edit in three letters. */
export function nearestName(written: string, known: Iterable<string>): string | undefined {
  if (written.length > wordLengthMax) return undefined;
  const word = written.toLowerCase();
  let best: { name: string; edits: number } | undefined;
  let compared = 0;
  for (const name of known) {
    compared += 1;
    if (compared > namesComparedMax) break;
    const allowed = Math.max(1, Math.floor(Math.max(word.length, name.length) / 3));
    if (name.length > wordLengthMax || Math.abs(name.length - word.length) > allowed) continue;
    const edits = distance(word, name.toLowerCase());
    if (edits <= allowed && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name, edits };
  }
  return best?.name;
}

/** Most names that a hint lists. */
const namesListedMax = 12;

/** `a`, `b` and `c`, each in back ticks, `last` before the final one; past a dozen the rest is counted. */
export function listNames(names: readonly string[], last: 'and' | 'or' = 'and'): string {
  const ticked = names.slice(0, namesListedMax).map((name) => `\`${name}\``);
  const rest = names.length - ticked.length;
  if (rest > 0) return `${ticked.join(', ')} ${last} ${rest} more`;
  if (ticked.length < 2) return ticked.join('');
  return `${ticked.slice(0, -1).join(', ')} ${last} ${ticked.at(-1)}`;
}

/** The hint for a name that is not known: the near one, then what there is. */
export function nameHint(written: string, known: readonly string[], options: { readonly label?: string } = {}): string {
  const near = nearestName(written, known);
  const suggestion = near === undefined ? '' : `did you mean \`${near}\`? `;
  if (known.length === 0)
    return `${suggestion}none is declared${options.label ? ` among ${options.label}` : ''}`.trim();
  return `${suggestion}${options.label ?? 'known'}: ${listNames(known)}`;
}
