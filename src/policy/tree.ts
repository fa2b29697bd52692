import { isMap, isScalar, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { Source } from '../diagnostics/index.ts';
import type { Span } from '../diagnostics/types.ts';

/** Place of a node's own characters, without the white space that follows a block. */
export function spanOf(node: Node, source: Source): Span {
  const [start, end] = node.range ?? [0, 0];
  return source.span(start, start + source.text.slice(start, end).trimEnd().length);
}

/** The place where a map or list begins: its first line alone. */
export function headOf(node: Node, source: Source): Span {
  const [start, end] = node.range ?? [0, 0];
  const text = source.text.slice(start, end);
  const line = (text.split('\n', 1)[0] ?? '').trimEnd();
  return source.span(start, start + Math.max(1, line.length));
}

/** The pair of a map with this key. */
export function pairOf(map: YAMLMap, key: string): { key: Scalar; value: Node | null } | undefined {
  const pair = map.items.find((each) => isScalar(each.key) && each.key.value === key);
  return pair === undefined ? undefined : { key: pair.key as Scalar, value: pair.value as Node | null };
}

/** Whether a map has any of these keys. */
export function hasAny(map: YAMLMap, keys: readonly string[]): boolean {
  return keys.some((key) => pairOf(map, key) !== undefined);
}

/** The text of a key where it is a scalar. */
export function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}

/** The text under a key, where there is one. */
export function textAt(map: Node, key: string): { text: string; node: Scalar } | undefined {
  const value = isMap(map) ? pairOf(map, key)?.value : undefined;
  return isScalar(value) && typeof value.value === 'string' ? { text: value.value, node: value } : undefined;
}

/** What a scalar reads as, with its article. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'boolean') return `the truth value ${value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  return typeof value === 'string' ? 'text' : 'something else';
}
