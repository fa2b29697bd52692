import type { Identity } from '../identity/types.ts';
import type { CallerTermPlan, GroupPlan } from '../plan/types.ts';

/** The groups of the policy that an identity is in. Two identities in the same groups share one object. */
export interface Membership {
  readonly groups: ReadonlySet<string>;
}

/** Nobody known: in no group. */
export const nobody: Membership = { groups: new Set() };

/** Sets of groups remembered at most; then they are worked out anew. */
const membershipsMax = 4096;

/** One way into a group: all of its terms. */
interface Way {
  readonly group: string;
  readonly allOf: readonly CallerTermPlan[];
}

/**
 * Works out who is in which group. Each way into a group is filed under its narrowest term, so that an identity is held
 * against the ways that name it, not against all.
 */
export function createMemberships(groups: readonly GroupPlan[]): (identity: Identity) => Membership {
  const ways = fileWays(groups);
  const shared = new Map<string, Membership>();
  const known = new WeakMap<Identity, Membership>();
  return (identity) => {
    const remembered = known.get(identity);
    if (remembered !== undefined) return remembered;
    const membership = share(shared, groupsOf(ways, identity));
    known.set(identity, membership);
    return membership;
  };
}

function share(shared: Map<string, Membership>, groups: readonly string[]): Membership {
  const key = JSON.stringify(groups);
  const same = shared.get(key);
  if (same !== undefined) return same;
  if (shared.size >= membershipsMax) shared.clear();
  const membership = { groups: new Set(groups) };
  shared.set(key, membership);
  return membership;
}

function fileWays(groups: readonly GroupPlan[]): ReadonlyMap<string, readonly Way[]> {
  const filed = new Map<string, Way[]>();
  for (const { name, anyOf } of groups) {
    for (const { allOf } of anyOf) {
      for (const key of narrowestKeys(allOf)) {
        const shelf = filed.get(key) ?? [];
        shelf.push({ group: name, allOf });
        filed.set(key, shelf);
      }
    }
  }
  return filed;
}

/** Of each key, the kind comes first, and names of identities hold no NUL: no two keys can run into one another. */
const keyOf = (kind: 'subject' | 'client' | 'group' | 'any', identity: string, value = '') =>
  `${kind}\0${identity}\0${value}`;

function narrowestKeys(allOf: readonly CallerTermPlan[]): readonly string[] {
  for (const kind of ['subject', 'client', 'group'] as const) {
    const term = allOf.find((candidate) => candidate[kind] !== undefined);
    if (term !== undefined) return [...new Set(term[kind])].map((value) => keyOf(kind, term.identity, value));
  }
  const term = allOf[0];
  return term === undefined ? [] : [keyOf('any', term.identity)];
}

function groupsOf(ways: ReadonlyMap<string, readonly Way[]>, identity: Identity): readonly string[] {
  const { provider, subject, client, groups } = identity;
  const keys = [keyOf('any', provider), keyOf('subject', provider, subject)];
  if (client !== undefined) keys.push(keyOf('client', provider, client));
  for (const group of groups) keys.push(keyOf('group', provider, group));
  const found = new Set<string>();
  for (const key of keys) {
    for (const way of ways.get(key) ?? []) {
      if (!found.has(way.group) && way.allOf.every((term) => holds(term, identity))) found.add(way.group);
    }
  }
  return [...found].sort();
}

function holds(term: CallerTermPlan, identity: Identity): boolean {
  if (term.identity !== identity.provider) return false;
  if (term.subject !== undefined && !term.subject.includes(identity.subject)) return false;
  if (term.client !== undefined && (identity.client === undefined || !term.client.includes(identity.client)))
    return false;
  return term.group === undefined || term.group.some((group) => identity.groups.includes(group));
}
