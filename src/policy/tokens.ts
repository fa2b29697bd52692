import { type CST, Lexer, Parser } from 'yaml';

/** A tag, anchor, alias or directive as it stands in the text. */
export interface Mark {
  readonly type: 'tag' | 'anchor' | 'alias' | 'directive';
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Most errors of tokens that are looked at; after them the rest of the file is left unread. */
const errorsMax = 100;
/** Most lexical pieces of a file (words, marks, line ends, white space): some 30,000 rules, within 1 GB of memory. */
export const lexemesMax = 1_000_000;

export interface ReadTokens {
  readonly tokens: readonly CST.Token[];
  /** Why reading has stopped, and where: nested deeper than allowed, or more pieces than any policy has. */
  readonly stopped?: { readonly why: 'deep' | 'many'; readonly at: number };
}

/**
 * Text → the tokens of its documents. It stops early where the file can't be a good one, so that a file of a million brackets
 * exhausts neither memory nor the call stack of what recurses over the tokens.
 */
export function readTokens(text: string, depthMax: number): ReadTokens {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let documents = 0;
  let errors = 0;
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1;
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === 'document') documents += 1;
      if (token.type === 'error') errors += 1;
    }
    // The document itself is the first of the stack.
    if (parser.stack.length > depthMax + 1)
      return { tokens, stopped: { why: 'deep', at: parser.offset - lexeme.length } };
    if (lexemes > lexemesMax) return { tokens, stopped: { why: 'many', at: parser.offset - lexeme.length } };
    if (documents > 1 || errors > errorsMax) return { tokens };
  }
  tokens.push(...parser.end());
  return { tokens };
}

/** Finds what the tree of values no longer shows well. It works over a stack of its own. */
export function findMarks(tokens: readonly CST.Token[]): readonly Mark[] {
  const marks: Mark[] = [];
  const open = [...tokens];
  for (let token = open.pop(); token !== undefined; token = open.pop()) {
    const mark = markOf(token);
    if (mark !== undefined) marks.push(mark);
    for (const child of children(token)) open.push(child);
  }
  return marks;
}

function markOf(token: CST.Token): Mark | undefined {
  const { type } = token;
  if (type !== 'tag' && type !== 'anchor' && type !== 'alias' && type !== 'directive') return undefined;
  return { type, start: token.offset, end: token.offset + token.source.length, text: token.source };
}

/** No spreading of lists here: their length is the author's. */
function children(token: CST.Token): CST.Token[] {
  const found: CST.Token[] = [];
  const add = (each: CST.Token | null | undefined): void => {
    if (each !== null && each !== undefined) found.push(each);
  };
  if ('start' in token && Array.isArray(token.start)) token.start.forEach(add);
  if ('props' in token) token.props.forEach(add);
  if ('value' in token) add(token.value);
  for (const item of 'items' in token ? token.items : []) {
    item.start.forEach(add);
    add(item.key);
    item.sep?.forEach(add);
    add(item.value);
  }
  return found;
}
