import type { CST } from 'yaml';

/** A tag, anchor, alias or directive as it stands in the text. */
export interface Mark {
  readonly type: 'tag' | 'anchor' | 'alias' | 'directive';
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface ScannedTokens {
  readonly marks: readonly Mark[];
  /** Where lists and maps are first found nested deeper than allowed. */
  readonly tooDeepAt?: number;
}

/**
 * Finds what the tree of values no longer shows well. It works over a stack of its own, before anything that recurses reads
 * the tokens: a file of a million brackets must not exhaust the call stack.
 */
export function scanTokens(tokens: readonly CST.Token[], depthMax: number): ScannedTokens {
  const marks: Mark[] = [];
  const open: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { token, depth } = entry;
    if (depth > depthMax + 1) return { marks, tooDeepAt: token.offset };
    const mark = markOf(token);
    if (mark !== undefined) marks.push(mark);
    for (const child of children(token)) open.push({ token: child, depth: isCollection(token) ? depth + 1 : depth });
  }
  return { marks };
}

function isCollection(token: CST.Token): boolean {
  return token.type === 'block-map' || token.type === 'block-seq' || token.type === 'flow-collection';
}

function markOf(token: CST.Token): Mark | undefined {
  const { type } = token;
  if (type !== 'tag' && type !== 'anchor' && type !== 'alias' && type !== 'directive') return undefined;
  return { type, start: token.offset, end: token.offset + token.source.length, text: token.source };
}

function children(token: CST.Token): CST.Token[] {
  const found: (CST.Token | null | undefined)[] = [];
  if ('start' in token && Array.isArray(token.start)) found.push(...token.start);
  if ('props' in token) found.push(...token.props);
  if ('value' in token) found.push(token.value);
  if ('items' in token)
    for (const item of token.items) found.push(...item.start, item.key, ...(item.sep ?? []), item.value);
  return found.filter((each) => each !== null && each !== undefined);
}
