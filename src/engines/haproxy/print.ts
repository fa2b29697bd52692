/**
 * The only place that writes text into HAProxy's configuration, and the only one that quotes. HAProxy reads a text at up to
 * three levels: words of a line, arguments in parentheses, log formats. A value passes through exactly the levels it stands
 * in, so that none can end early. Source: HAProxy 2.6 configuration.txt, sections 2.2 and 8.2.4.
 */
declare const printed: unique symbol;

/** A sample expression (section 7), quoted for its own level: `req.fhdr(host),lower`. */
export type Sample = string & { readonly [printed]: 'sample' };

/** A log format: text, `%[…]` and `%ST`, quoted for its own level. */
export type Format = string & { readonly [printed]: 'format' };

/** One line of a section. */
export type Directive = string & { readonly [printed]: 'directive' };

/** A condition behind `if` or `unless`, in words. */
export type Condition = readonly string[] & { readonly [printed]: 'condition' };

/** A text that can't be written into a configuration. */
export class PrintError extends Error {
  override readonly name = 'PrintError';
  readonly code = 'haproxy-unprintable';
}

/** HAProxy cuts a line into words at this many. */
const wordsMax = 64;
/** A line is at most this long; HAProxy 2.6 bounds it at 2048 characters. */
const lineCharactersMax = 2000;

const plainWord = /^[A-Za-z0-9_.:/@,=+*%<>|^()[\]?!~&;-]+$/;

/** One word of a line. Everything but plain characters stands in strong quotes; what those can't hold is `\xNN`. */
function word(text: string): string {
  if (text === '') return "''";
  if (plainWord.test(text)) return text;
  let line = '';
  let quoted = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0) throw new PrintError('a NUL character can not be written');
    if (code >= 0x20 && code !== 0x7f && character !== "'") quoted += character;
    else {
      line += `${closed(quoted)}\\x${code.toString(16).padStart(2, '0')}`;
      quoted = '';
    }
  }
  return line + closed(quoted);
}

function closed(quoted: string): string {
  return quoted === '' ? '' : `'${quoted}'`;
}

const plainArgument = /^[A-Za-z0-9_.:/@=+*<>|^?!~&;-]+$/;

/** An argument in parentheses: quotes as in a word, but no `\xNN`. */
function argument(text: string | number): string {
  const whole = String(text);
  if (whole === '' || plainArgument.test(whole)) return whole;
  return [...whole].map((character) => argumentPart(character)).join('');
}

function argumentPart(character: string): string {
  if (plainArgument.test(character)) return character;
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  if (character === "'") return "\\'";
  if ((character.codePointAt(0) ?? 0) < 0x20) throw new PrintError('a control character can not be an argument');
  return `'${character}'`;
}

/** A fetch or converter with its arguments: `concat(<start>,<var>)`. */
export function call(name: string, ...args: readonly (string | number)[]): Sample {
  if (!/^[a-z0-9_.-]+$/.test(name)) throw new PrintError(`not a name of a fetch: ${name}`);
  return (args.length === 0 ? name : `${name}(${args.map(argument).join(',')})`) as Sample;
}

/** A fetch and the converters after it. */
export function chain(...calls: readonly Sample[]): Sample {
  return calls.join(',') as Sample;
}

/** Parts of a log format: a string is literal text, a Sample its value, `{ field }` one of HAProxy's own (`ST`). */
export function format(
  ...parts: readonly (string | { readonly sample: Sample } | { readonly field: string })[]
): Format {
  return parts.map(formatPart).join('') as Format;
}

function formatPart(part: string | { readonly sample: Sample } | { readonly field: string }): string {
  if (typeof part === 'string') return part.replaceAll('%', '%%');
  if ('sample' in part) return `%[${part.sample}]`;
  if (!/^[A-Za-z]+$/.test(part.field)) throw new PrintError(`not a field of a log format: ${part.field}`);
  return `%${part.field}`;
}

/** `{ <sample> [-m <method>] <pattern>… }`. Patterns that read as a brace or an operator are refused. */
export function test(sample: Sample, method: string | undefined, ...patterns: readonly (string | number)[]): Condition {
  for (const pattern of patterns) {
    if (/^([{}]|if|unless|or|\|\||!.*|-.*|)$/.test(String(pattern))) throw new PrintError(`not a pattern: ${pattern}`);
  }
  const how = method === undefined ? [] : ['-m', method];
  return ['{', word(sample), ...how, ...patterns.map((each) => word(String(each))), '}'] as unknown as Condition;
}

/** An ACL by its name; `holds` false: it doesn't hold. */
export function named(name: string, holds: boolean): Condition {
  if (!/^[a-z][a-z0-9.-]*$/.test(name)) throw new PrintError(`not a name of an ACL: ${name}`);
  return [holds ? name : `!${name}`] as unknown as Condition;
}

/** A condition of one test, turned round. */
export function not(condition: Condition): Condition {
  if (condition[0] !== '{' || condition.lastIndexOf('{') !== 0) throw new PrintError('only one test can be negated');
  return ['!', ...condition] as unknown as Condition;
}

/** All of these hold. */
export function all(...conditions: readonly Condition[]): Condition {
  return conditions.flat() as unknown as Condition;
}

/** Any of these holds; binds weaker than `all`. */
export function any(...conditions: readonly Condition[]): Condition {
  return conditions.flatMap((each, index) => (index === 0 ? each : ['or', ...each])) as unknown as Condition;
}

/** One line. Each word is one argument to HAProxy, whatever it holds. */
export function directive(words: readonly (string | number)[], when?: Condition): Directive {
  const written = [...words.map((each) => word(String(each))), ...(when === undefined ? [] : ['if', ...when])];
  if (written.length > wordsMax) throw new PrintError('more words than a line holds');
  const line = written.join(' ');
  if (line.length > lineCharactersMax) throw new PrintError('longer than a line may be');
  return line as Directive;
}

/** A section: its head and its lines. */
export interface Section {
  readonly head: readonly string[];
  readonly lines: readonly Directive[];
  /** Why it is there, one line each. */
  readonly notes?: readonly string[];
}

/** The text of a configuration file. */
export function configuration(notes: readonly string[], sections: readonly Section[]): string {
  return [notes.map(note).join(''), ...sections.map(sectionText)].join('\n');
}

function sectionText({ head, lines, notes = [] }: Section): string {
  const first = /^\[[a-z.-]+\]$/.test(head.join(' ')) ? head.join(' ') : head.map(word).join(' ');
  return `${notes.map(note).join('')}${first}\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

function note(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new PrintError('a note is one line of plain text');
  return `# ${text}\n`;
}

/** One line of a map file: the key, a space, the value. A key can't hold white space, nor a value a line's end. */
export function mapLine(key: string, value: string): string {
  if (!/^[\x21-\x22\x24-\x7e][\x21-\x7e]*$/.test(key)) throw new PrintError('not a key of a map');
  if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) throw new PrintError('not a value of a map');
  return `${key} ${value}\n`;
}
