import { isScalar, type Node, type Scalar } from 'yaml';

/** For each character of a scalar's value (UTF-16 code unit), where it stands in the file. One more entry in `starts`: its end. */
export interface Alignment {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/**
 * Walks value and text side by side: plain and quoted scalars, literal and folded blocks. Line folding and indentation are
 * white space on both sides, so they are skipped where they differ. Undefined where the two cannot be brought together.
 */
export function alignScalar(node: Node, text: string): Alignment | undefined {
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return undefined;
  const { from, to } = contentOf(node, text);
  const starts: number[] = [];
  const ends: number[] = [];
  let at = from;
  while (starts.length < node.value.length) {
    const step = nextStep(node, { text, at, to, wanted: node.value.charCodeAt(starts.length) });
    if (step === undefined) return undefined;
    for (let unit = 0; unit < step.units; unit += 1) {
      starts.push(at);
      ends.push(at + step.length);
    }
    at += step.length;
  }
  starts.push(at);
  return { starts, ends };
}

/** The characters between the quotes, or after the header of a block. */
function contentOf(node: Scalar, text: string): { from: number; to: number } {
  const [from, to] = node.range ?? [0, 0];
  if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') return { from: from + 1, to: to - 1 };
  if (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') return { from: text.indexOf('\n', from) + 1, to };
  return { from, to };
}

interface Position {
  readonly text: string;
  readonly at: number;
  readonly to: number;
  readonly wanted: number;
}

/** How many characters of the text the next one takes, and how many units of the value those are (0: skipped). */
interface Step {
  readonly length: number;
  readonly units: number;
}

const isBreak = (character: string): boolean => character === '\n' || character === '\r';
const isBlank = (character: string): boolean => character === ' ' || character === '\t' || isBreak(character);

function nextStep(node: Scalar, { text, at, to, wanted }: Position): Step | undefined {
  // The last line break of a block may lie beyond the end of the file.
  if (at >= to) return wanted === 0x0a ? { length: 0, units: 1 } : undefined;
  const character = text[at] ?? '';
  if (node.type === 'QUOTE_DOUBLE' && character === '\\') return escapeStep(text, at);
  if (node.type === 'QUOTE_SINGLE' && text.startsWith("''", at)) return { length: 2, units: 1 };
  if (character.charCodeAt(0) === wanted) return { length: 1, units: 1 };
  if (!isBlank(character)) return undefined;
  const folds = isBreak(character) && (wanted === 0x20 || wanted === 0x0a);
  return { length: 1, units: folds && character === '\n' ? 1 : 0 };
}

const escapeDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function escapeStep(text: string, at: number): Step {
  const kind = text[at + 1] ?? '';
  if (isBreak(kind)) {
    const blank = /^\\\r?\n[ \t]*/.exec(text.slice(at, at + 4096));
    return { length: blank?.[0].length ?? 2, units: 0 };
  }
  const digits = escapeDigits[kind] ?? 0;
  const beyondPlane = kind === 'U' && Number.parseInt(text.slice(at + 2, at + 10), 16) > 0xffff;
  return { length: 2 + digits, units: beyondPlane ? 2 : 1 };
}
