import type { CallerTermPlan, GroupPlan } from '../plan/index.ts';

type Way = readonly CallerTermPlan[];

/**
 * For each group those that everybody in it is in as well, by what the policy says: itself, and groups whose ways take
 * in each of its ways. `employees: [ { staff: any } ]` is wider than every group of `staff`.
 */
export function widerGroups(groups: readonly GroupPlan[]): ReadonlyMap<string, ReadonlySet<string>> {
  const shelves = fileWays(groups);
  return new Map(groups.map((group) => [group.name, widerThan(shelves, group)]));
}

interface FiledWay {
  readonly group: string;
  readonly way: Way;
}

function widerThan(shelves: ReadonlyMap<string, readonly FiledWay[]>, { name, anyOf }: GroupPlan): ReadonlySet<string> {
  const found = anyOf.map(({ allOf }) => {
    const filed = keysOf(allOf).flatMap((key) => shelves.get(key) ?? []);
    return new Set(filed.filter(({ way }) => takesIn(way, allOf)).map(({ group }) => group));
  });
  const [first = [], ...rest] = found;
  return new Set([name, ...[...first].filter((group) => rest.every((other) => other.has(group)))]);
}

const kinds = ['subject', 'client', 'group'] as const;

/** Each way stands under its narrowest term: what it takes in has that term with values out of the same ones. */
function fileWays(groups: readonly GroupPlan[]): ReadonlyMap<string, readonly FiledWay[]> {
  const shelves = new Map<string, FiledWay[]>();
  for (const { name, anyOf } of groups) {
    for (const { allOf } of anyOf) {
      for (const key of filingKeys(allOf)) {
        const shelf = shelves.get(key) ?? [];
        shelf.push({ group: name, way: allOf });
        shelves.set(key, shelf);
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
  return outer.every((wide) =>
    inner.some(
      (narrow) =>
        narrow.identity === wide.identity &&
        kinds.every((kind) => wide[kind] === undefined || within(narrow[kind], wide[kind])),
    ),
  );
}

function within(narrow: readonly string[] | undefined, wide: readonly string[]): boolean {
  return narrow?.every((value) => wide.includes(value)) === true;
}
