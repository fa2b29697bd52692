import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { Report, Source } from '../diagnostics/index.ts';
import { kindOf, spanOf } from './tree.ts';

interface Walk {
  readonly source: Source;
  readonly report: Report;
}

/** Reports what YAML has beyond plain maps, lists and scalars: merge keys, keys that aren't words, duplicates. */
export function checkNodes(node: unknown, source: Source, report: Report): void {
  visit(node, { source, report });
}

function visit(node: unknown, walk: Walk): void {
  if (isMap(node)) visitMap(node, walk);
  if (isSeq(node)) for (const item of node.items) visit(item, walk);
}

function visitMap(map: YAMLMap, walk: Walk): void {
  const seen = new Map<string, Scalar>();
  for (const pair of map.items) {
    checkKey(pair, seen, walk);
    visit(pair.value, walk);
  }
}

function checkKey(pair: Pair, seen: Map<string, Scalar>, walk: Walk): void {
  const key = pair.key;
  if (!isScalar(key)) {
    if (!isAlias(key)) add(walk, 'HG1012', 'a key that is a list or a map', key as Node, 'a key is one word');
    return;
  }
  if (key.value === '<<' && key.type === 'PLAIN') {
    add(walk, 'HG1005', 'the merge key `<<`', key, 'write the keys out here');
    return;
  }
  if (typeof key.value !== 'string') {
    const written = key.source ?? '';
    const hint = written === '' ? 'write a name before the colon' : `put it in quotes: "${written}"`;
    add(
      walk,
      'HG1012',
      written === '' ? 'a key that is empty' : `the key \`${written}\` reads as ${kindOf(key.value)}, not as a name`,
      key,
      hint,
    );
  }
  const name = String(key.value);
  const first = seen.get(name);
  if (first === undefined) {
    seen.set(name, key);
    return;
  }
  walk.report.add('HG1004', `the key \`${name}\` stands here a second time`, {
    span: spanOf(key, walk.source),
    hint: 'keep one of them, or join them',
    notes: [{ message: 'the first one', span: spanOf(first, walk.source) }],
  });
}

function add(walk: Walk, code: 'HG1005' | 'HG1012', message: string, node: Node, hint: string): void {
  walk.report.add(code, message, { span: spanOf(node, walk.source), hint });
}
