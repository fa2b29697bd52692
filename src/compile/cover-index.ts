import type { ResourcePattern } from '../plan/index.ts';
import { type Coverable, covers, plainSegments, type WiderGroups } from './cover.ts';

/** Finds the first rule that covers another without holding it against all of them. */
export interface CoverIndex<T extends Coverable> {
  /** In file order. */
  add(rule: T): void;
  /** The first in file order among those before position `before`. */
  find(rule: T, before: number): T | undefined;
}

/** Key of rules for anyone, among those of groups: no name of a group is empty. */
const anyone = '';
/** Key of rules that stand under their patterns alone, since they have many callers and many patterns. */
const many = '*';
/** Most places that one rule stands at. */
const rulePlacesMax = 64;

/**
 * A rule stands under each of its callers and each of its patterns: one that names a resource under its text, one with
 * stars under what stands before the first or after the last of them, whichever is longer. Whatever covers a rule is
 * found under that rule's first caller (or a wider group) and the start or the end of its first pattern.
 */
export function createCoverIndex<T extends Coverable>(wider: WiderGroups, placesMax = rulePlacesMax): CoverIndex<T> {
  const byCaller = new Map<string, Shelf<T>>();
  return {
    add(rule) {
      for (const caller of filingCallers(rule, placesMax)) {
        const shelf = byCaller.get(caller) ?? { entries: new Map(), lengths: { prefix: new Set(), suffix: new Set() } };
        byCaller.set(caller, shelf);
        for (const pattern of rule.plan.resources) file(shelf, pattern, rule);
      }
    },
    find(rule, before) {
      const [caller = anyone] = callersOf(rule);
      const [pattern] = rule.plan.resources;
      if (pattern === undefined) return undefined;
      let found: T | undefined;
      for (const group of new Set([anyone, many, caller, ...(wider.get(caller) ?? [])])) {
        const shelf = byCaller.get(group);
        const limit = found?.plan.index ?? before;
        if (shelf !== undefined) found = findOn(shelf, pattern, { rule, before: limit, wider }) ?? found;
      }
      return found;
    },
  };
}

interface Shelf<T> {
  readonly entries: Map<string, T[]>;
  /** Lengths of the starts and ends that there are: only those are looked up. */
  readonly lengths: { readonly prefix: Set<number>; readonly suffix: Set<number> };
}

interface Search {
  readonly rule: Coverable;
  readonly before: number;
  readonly wider: WiderGroups;
}

function callersOf({ plan: { callers } }: Coverable): readonly string[] {
  return callers.kind === 'anyone' ? [anyone] : callers.names;
}

function filingCallers(rule: Coverable, placesMax: number): readonly string[] {
  const callers = callersOf(rule);
  return callers.length * rule.plan.resources.length > placesMax ? [many] : callers;
}

function file<T>({ entries, lengths }: Shelf<T>, pattern: ResourcePattern, rule: T): void {
  const { whole, prefix, suffix } = affixes(pattern);
  const isPrefix = prefix.length >= suffix.length;
  const key = prefix === whole ? `=${whole}` : isPrefix ? `^${prefix}` : `$${suffix}`;
  if (prefix !== whole) (isPrefix ? lengths.prefix : lengths.suffix).add(isPrefix ? prefix.length : suffix.length);
  const list = entries.get(key);
  if (list === undefined) entries.set(key, [rule]);
  else if (list.at(-1) !== rule) list.push(rule);
}

function findOn<T extends Coverable>(shelf: Shelf<T>, pattern: ResourcePattern, search: Search): T | undefined {
  let { before } = search;
  let found: T | undefined;
  for (const key of keysToSearch(shelf, pattern)) {
    for (const candidate of shelf.entries.get(key) ?? []) {
      if (candidate.plan.index >= before) break;
      if (candidate === search.rule || !covers(candidate, search.rule, search.wider)) continue;
      found = candidate;
      before = candidate.plan.index;
      break;
    }
  }
  return found;
}

function* keysToSearch({ lengths }: Pick<Shelf<unknown>, 'lengths'>, pattern: ResourcePattern): Generator<string> {
  const { whole, prefix, suffix } = affixes(pattern);
  if (prefix === whole) yield `=${whole}`;
  for (const length of lengths.prefix) if (length <= prefix.length) yield `^${prefix.slice(0, length)}`;
  for (const length of lengths.suffix) if (length <= suffix.length) yield `$${suffix.slice(suffix.length - length)}`;
}

/** A pattern as one text, what stands before its first star, and what after its last. */
function affixes(pattern: ResourcePattern): {
  readonly whole: string;
  readonly prefix: string;
  readonly suffix: string;
} {
  const whole = [pattern.service, ...plainSegments(pattern)].join('/');
  const first = whole.indexOf('*');
  if (first < 0) return { whole, prefix: whole, suffix: whole };
  return { whole, prefix: whole.slice(0, first), suffix: whole.slice(whole.lastIndexOf('*') + 1) };
}
