import { isScalar, type Node } from 'yaml';
import type { Source } from '../diagnostics/index.ts';
import { alignScalar } from './align.ts';
import { spanOf } from './tree.ts';
import type { CelText } from './types.ts';

/** CEL in a scalar, able to place an offset inside it in the file. Where that can't be told the whole scalar is its place. */
export function celText(node: Node, source: Source): CelText {
  const text = isScalar(node) && typeof node.value === 'string' ? node.value : '';
  const whole = spanOf(node, source);
  const alignment = alignScalar(node, source.text);
  return {
    text,
    spanOf: (start, end) => {
      if (alignment === undefined) return whole;
      const from = alignment.starts[Math.min(Math.max(start, 0), text.length)];
      const to = end > start ? alignment.ends[Math.min(end, text.length) - 1] : from;
      return from === undefined || to === undefined ? whole : source.span(from, to);
    },
  };
}
