import type { CallerTermPlan, GroupPlan } from '../plan/index.ts';

type Way = readonly CallerTermPlan[];

/** Most groups that are looked at as wider than one: a policy with more is compiled in good time, and less is found in it. */
const widerMax = 64;
/** Most ways into groups that are held against one. */
const waysComparedMax = 512;

/**
 * For each group those that everybody in it is in as well, by what the policy says: itself, and groups whose ways take
 * in each of its ways. `employees: [ { staff: any } ]` is wider than every group of `staff`.
 */
export function widerGroups(groups: readonly GroupPlan[]): ReadonlyMap<string, ReadonlySet<string>> {
  const shelves = fileWays(groups);
  return new Map(groups.map((group) => [group.name, widerThan(shelves, group)]));
}

interface FiledWay {
  readonly group: GroupPlan;
  readonly way: Way;
}

type Shelves = ReadonlyMap<string, readonly FiledWay[]>;

/** What takes in the first way, then held against the others. */
function widerThan(shelves: Shelves, group: GroupPlan): ReadonlySet<string> {
  const wider = new Set([group.name]);
  const [first, ...rest] = group.anyOf.map(({ allOf }) => allOf);
  if (first === undefined) return wider;
  let compared = 0;
  for (const key of keysOf(first)) {
    for (const { group: other, way } of shelves.get(key) ?? []) {
      compared += 1;
      if (compared > waysComparedMax || wider.size > widerMax) return wider;
      if (wider.has(other.name) || !takesIn(way, first)) continue;
      if (rest.every((inner) => other.anyOf.some(({ allOf }) => takesIn(allOf, inner)))) wider.add(other.name);
    }
  }
  return wider;
}

const kinds = ['subject', 'client', 'group'] as const;

/** Each way stands under its narrowest term: what it takes in has that term with values out of the same ones. */
function fileWays(groups: readonly GroupPlan[]): Shelves {
  const shelves = new Map<string, FiledWay[]>();
  for (const group of groups) {
    for (const { allOf } of group.anyOf) {
      for (const key of filingKeys(allOf)) {
        const shelf = shelves.get(key);
        if (shelf === undefined) shelves.set(key, [{ group, way: allOf }]);
        else shelf.push({ group, way: allOf });
      }
    }
  }
  return shelves;
}

function filingKeys(way: Way): readonly string[] {
  for (const kind of kinds) {
    const term = way.find((candidate) => candidate[kind] !== undefined);
    if (term !== undefined) return [...new Set(term[kind])].map((value) => `${kind}\0${term.identity}\0${value}`);
  }
  return way[0] === undefined ? [] : [`any\0${way[0].identity}`];
}

/** Where the ways that take this one in can stand. Of each list the first value does: a wider list holds it as well. */
function keysOf(way: Way): readonly string[] {
  return way.flatMap((term) => {
    const keys = [`any\0${term.identity}`];
    for (const kind of kinds) {
      const value = term[kind]?.[0];
      if (value !== undefined) keys.push(`${kind}\0${term.identity}\0${value}`);
    }
    return keys;
  });
}

/** Whether whoever matches `inner` matches `outer`: each of its terms is no stricter than one of `inner`. */
function takesIn(outer: Way, inner: Way): boolean {
  return outer.every((wide) => inner.some((narrow) => isNoStricter(wide, narrow)));
}

function isNoStricter(wide: CallerTermPlan, narrow: CallerTermPlan): boolean {
  return narrow.identity === wide.identity && kinds.every((kind) => holdsAll(wide[kind], narrow[kind]));
}

/** An absent list is any value. */
function holdsAll(wide: readonly string[] | undefined, narrow: readonly string[] | undefined): boolean {
  return wide === undefined || narrow?.every((value) => wide.includes(value)) === true;
}
