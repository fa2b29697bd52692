import { isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import type { Source } from '../diagnostics/index.ts';
import type { Span } from '../diagnostics/types.ts';
import { headOf, pairOf, spanOf } from './tree.ts';
import type { Located } from './types.ts';

type Element<T> = T extends readonly (infer E)[] ? E : T;
type ValueOf<T> = T extends Readonly<Record<string, infer V>> ? V : never;
type KeyOf<T> = T extends unknown ? Extract<keyof T, string> : never;
type At<T, K extends string> = T extends { readonly [P in K]?: infer V } ? Exclude<V, undefined> : never;

/** A node that has been held against its schema, read with the types of that schema. `T`: what zod infers for it. */
export class Cursor<T> {
  readonly node: Node;
  readonly source: Source;

  constructor(node: Node, source: Source) {
    this.node = node;
    this.source = source;
  }

  get span(): Span {
    return isScalar(this.node) ? spanOf(this.node, this.source) : headOf(this.node, this.source);
  }

  get isMap(): boolean {
    return isMap(this.node);
  }

  /** Of a scalar: its value and its place. */
  located(): Located<T> {
    return { value: (this.node as Scalar).value as T, span: this.span };
  }

  /** The value under a key, where the key is written. */
  at<K extends KeyOf<T>>(key: K): Cursor<At<T, K>> | undefined {
    const value = isMap(this.node) ? pairOf(this.node, key)?.value : undefined;
    return value === undefined || value === null ? undefined : new Cursor<At<T, K>>(value, this.source);
  }

  /** The value under a key that the schema requires. */
  need<K extends KeyOf<T>>(key: K): Cursor<At<T, K>> {
    const found = this.at(key);
    if (found === undefined) throw new TypeError(`the schema let a map without \`${key}\` pass`);
    return found;
  }

  /** The items of a list, or the one value that stands for a list of one. */
  many(): Cursor<Element<T>>[] {
    const nodes = isSeq(this.node) ? (this.node.items as Node[]) : [this.node];
    return nodes.map((node) => new Cursor<Element<T>>(node, this.source));
  }

  /** The names and values of a map of names. */
  entries(): { readonly name: Located<string>; readonly value: Cursor<ValueOf<T>> }[] {
    if (!isMap(this.node)) return [];
    return this.node.items.map((pair) => ({
      name: { value: String((pair.key as Scalar).value), span: spanOf(pair.key as Scalar, this.source) },
      value: new Cursor<ValueOf<T>>(pair.value as Node, this.source),
    }));
  }
}
