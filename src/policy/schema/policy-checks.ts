import { isScalar, isSeq, type Node } from 'yaml';
import { hasAny, headOf, keyText, pairOf, spanOf, textAt } from '../tree.ts';
import type { CheckedItems, CheckedMap } from './notes.ts';

/** Names of one kind are unique: reports each later one. */
export function checkUnique(checked: CheckedItems, options: { readonly what: string; readonly key: string }): void {
  const { source, report } = checked;
  const seen = new Map<string, Node>();
  for (const item of checked.items) {
    const found = textAt(item, options.key);
    if (found === undefined) continue;
    const first = seen.get(found.text);
    if (first === undefined) {
      seen.set(found.text, found.node);
      continue;
    }
    report.add('HG1107', `the name of ${options.what} is used a second time`, {
      span: spanOf(found.node, source),
      hint: 'choose another name',
      notes: [{ message: 'the first one', span: spanOf(first, source) }],
    });
  }
}

/** Names of rules are unique. */
export function checkRuleNames(checked: CheckedItems): void {
  checkUnique(checked, { what: 'a rule', key: 'name' });
}

const identityKinds = ['oidc', 'kubernetes', 'aws', 'spiffe', 'apiKeys', 'headgate'];

/** An identity has one kind. That it has any, and no other key, the schema sees to. */
export function checkIdentityKind({ map, source, report }: CheckedMap): void {
  const kinds = map.items.filter((pair) => identityKinds.includes(keyText(pair) ?? ''));
  if (kinds.length < 2) return;
  report.add('HG1108', 'an identity has one kind', {
    span: headOf(map, source),
    hint: 'give each kind a name of its own',
  });
}

/** A rule is an allow or a deny; `unless` goes with deny only, `limits` with allow only. */
export function checkRule(checked: CheckedMap): void {
  checkEffect(checked);
  checkAlone(checked, 'allow', 'anyone');
  checkAlone(checked, 'deny', 'anyone');
  checkAlone(checked, 'to', 'any');
  checkAlone(checked, 'versions', 'any');
}

function checkEffect({ map, source, report }: CheckedMap): void {
  const allow = pairOf(map, 'allow');
  const deny = pairOf(map, 'deny');
  if (allow && deny) {
    const notes = [{ message: 'the allow', span: spanOf(allow.key, source) }];
    const hint = 'write two rules; a deny beats every allow';
    report.add('HG1210', 'a rule is an allow or a deny, not both', { span: spanOf(deny.key, source), hint, notes });
  } else if (!allow && !deny && !hasAny(map, ['grantable'])) {
    const hint = 'add `allow: [group]` or `deny: [group]`';
    report.add('HG1210', 'this rule neither allows nor denies', { span: headOf(map, source), hint });
  }
  const unless = pairOf(map, 'unless');
  if (unless && !deny) {
    const hint = 'say it in `when`, or in a rule with `deny`';
    report.add('HG1211', '`unless` only exempts from a deny', { span: spanOf(unless.key, source), hint });
  }
  const limits = pairOf(map, 'limits');
  if (limits && deny && !allow) {
    const hint = 'remove it, or put it on the rule that allows';
    report.add('HG1212', 'a deny has nothing to limit', { span: spanOf(limits.key, source), hint });
  }
}

/** A list of models names each once; in a map the reader of YAML sees to it. */
export function checkModels({ items, source, report }: CheckedItems): void {
  const seen = new Set<unknown>();
  for (const item of items) {
    const name = isScalar(item) && typeof item.value === 'string' ? item.value : undefined;
    if (name === undefined || !seen.has(name)) seen.add(name);
    else report.add('HG1107', 'this model is named a second time', { span: spanOf(item, source), hint: 'remove it' });
  }
}

const keysOf: Readonly<Record<string, readonly string[]>> = {
  'tensorflow-serving': ['models', 'families'],
  grpc: ['descriptors', 'methods', 'streams'],
};

/** A TensorFlow Serving service names its models; what belongs to another protocol says nothing here. */
export function checkService(checked: CheckedMap): void {
  const { map, source, report } = checked;
  const protocol = textAt(map, 'protocol')?.text ?? '';
  for (const [other, keys] of Object.entries(keysOf)) {
    if (other !== protocol && Object.hasOwn(keysOf, protocol)) checkForeign(checked, { keys, other, protocol });
  }
  if (protocol !== 'tensorflow-serving' || hasAny(map, ['models', 'families'])) return;
  const hint = 'list them: `models: [finance-prod, dialogue]`; a model that is not named is nobody’s';
  report.add('HG1102', 'this service names no models', { span: headOf(map, source), hint });
}

interface Foreign {
  readonly keys: readonly string[];
  /** The protocol that they belong to. */
  readonly other: string;
  readonly protocol: string;
}

function checkForeign({ map, source, report }: CheckedMap, { keys, other, protocol }: Foreign): void {
  for (const key of keys) {
    const pair = pairOf(map, key);
    if (pair === undefined) continue;
    const message = `\`${key}\` belongs to services of protocol \`${other}\`, and this one is \`${protocol}\``;
    report.add('HG1233', message, { span: spanOf(pair.key, source), hint: 'remove it, or change the protocol' });
  }
}

/** A word that stands for everything stands alone. */
function checkAlone({ map, source, report }: CheckedMap, key: string, word: string): void {
  const value = pairOf(map, key)?.value;
  if (!isSeq(value) || value.items.length < 2) return;
  const found = value.items.find((item) => isScalar(item) && item.value === word);
  if (found === undefined) return;
  const hint = `write \`${key}: ${word}\`, or leave it out of the list`;
  report.add('HG1108', `\`${word}\` takes in everything else of this list`, {
    span: spanOf(found as Node, source),
    hint,
  });
}
