import { isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import { nameHint, type Report, type Source } from '../diagnostics/index.ts';
import { groupKeys, looksLikeAddress } from './schema/leaves.ts';
import { shown } from './shown.ts';
import { hasAny, pairOf, spanOf } from './tree.ts';

/** Most unknown names that are told: each is compared with every known one. */
const unknownNamesMax = 100;

interface Naming {
  readonly source: Source;
  readonly report: Report;
  told: number;
}

/**
 * Names that nothing in a policy declares, for a policy that is faulty: `compile`, whose work this is, never gets to see it,
 * and all mistakes are to be told in one run. Same codes and words as there. Names of a wrong form are left to the schema.
 */
export function checkNames(root: Node, source: Source, report: Report): void {
  const naming = { source, report, told: 0 };
  const [identities, groups, services] = ['identity', 'groups', 'services'].map((key) => keysOf(under(root, key)));
  for (const group of membersOf(under(root, 'groups'))) {
    for (const caller of callersOf(group)) {
      for (const identity of namesOf(caller))
        expect(identity, { code: 'HG2001', kind: 'identity', known: identities }, naming);
    }
  }
  for (const rule of itemsOf(under(root, 'rules'))) {
    const exempt = itemsOf(under(rule, 'unless')).flatMap((each) => itemsOf(under(each, 'caller')));
    const callers = ['allow', 'deny'].flatMap((key) => itemsOf(under(rule, key)));
    for (const group of [...callers, ...exempt])
      expect(group, { code: 'HG2002', kind: 'group', known: groups }, naming);
    for (const pattern of itemsOf(under(rule, 'at'))) {
      expect(pattern, { code: 'HG2003', kind: 'service', known: services }, naming);
    }
  }
}

interface Expected {
  readonly code: 'HG2001' | 'HG2002' | 'HG2003';
  readonly kind: 'identity' | 'group' | 'service';
  /** undefined: the map of them is itself faulty, so nothing can be said. */
  readonly known: ReadonlySet<string> | undefined;
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

function expect(node: Node, { code, kind, known }: Expected, naming: Naming): void {
  if (naming.told >= unknownNamesMax || known === undefined || !isScalar(node) || typeof node.value !== 'string')
    return;
  const [first = '', ...rest] = node.value.split('/');
  const name = kind === 'service' ? first : node.value;
  const otherwise =
    name === 'anyone' || !nameForm.test(name) || looksLikeAddress(name) || (kind === 'service' && rest.length === 0);
  if (otherwise || known.has(name)) return;
  naming.told += 1;
  naming.report.add(code, `unknown ${kind} \`${shown(name)}\``, {
    span: spanOf(node, naming.source),
    hint: nameHint(name, [...known]),
  });
}

/** A group is its callers, or a map with them under `members`. */
function callersOf(group: Node): readonly Node[] {
  const isOwn = isMap(group) && hasAny(group, groupKeys);
  return itemsOf(isOwn ? under(group, 'members') : group);
}

function under(node: Node | null, key: string): Node | null {
  return isMap(node) ? (pairOf(node, key)?.value ?? null) : null;
}

function keysOf(node: Node | null): ReadonlySet<string> | undefined {
  if (node === null) return new Set();
  return isMap(node) && pairOf(node, '<<') === undefined
    ? new Set(namesOf(node).map(({ value }) => String(value)))
    : undefined;
}

function namesOf(node: Node | null): readonly Scalar[] {
  return isMap(node) ? node.items.map(({ key }) => key).filter((key) => isScalar(key)) : [];
}

function membersOf(node: Node | null): readonly Node[] {
  return isMap(node) ? node.items.map(({ value }) => value as Node | null).filter((value) => value !== null) : [];
}

/** The items of a list, or the one value that stands for a list of one. */
function itemsOf(node: Node | null): readonly Node[] {
  if (isSeq(node)) return node.items as Node[];
  return node === null ? [] : [node];
}
