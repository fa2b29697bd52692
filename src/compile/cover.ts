import { matchesSegment } from '../decision/index.ts';
import type { ResourcePattern, RulePlan } from '../plan/index.ts';
import { isServiceAction } from '../protocols/index.ts';

/** For each group those that everybody in it is in as well. */
export type WiderGroups = ReadonlyMap<string, ReadonlySet<string>>;

/** Of a rule what tells which calls it could match. */
export interface Coverable {
  readonly plan: Pick<RulePlan, 'index' | 'effect' | 'callers' | 'actions' | 'resources' | 'versions'>;
  /** Environments it holds in; undefined: all. */
  readonly in: ReadonlySet<string> | undefined;
}

/** Whether whatever matches `inner`'s callers, actions, resources, versions and environments matches `outer`'s as well. */
export function covers(outer: Coverable, inner: Coverable, wider: WiderGroups): boolean {
  return (
    coversEnvironments(outer, inner) &&
    coversActions(outer, inner) &&
    coversVersions(outer, inner) &&
    coversCallers(outer, inner, wider) &&
    inner.plan.resources.every((resource) => outer.plan.resources.some((wide) => coversPattern(wide, resource)))
  );
}

function coversEnvironments(outer: Coverable, inner: Coverable): boolean {
  const wide = outer.in;
  return wide === undefined || (inner.in !== undefined && isWithinSet(inner.in, wide));
}

function isWithinSet(narrow: ReadonlySet<string>, wide: ReadonlySet<string>): boolean {
  for (const name of narrow) if (!wide.has(name)) return false;
  return true;
}

function coversActions(
  { plan: { actions: outer, effect } }: Coverable,
  { plan: { actions: inner } }: Coverable,
): boolean {
  if (outer.kind === 'any') return effect === 'deny' || inner.kind === 'any' || !inner.names.some(isServiceAction);
  return inner.kind === 'actions' && inner.names.every((name) => outer.names.includes(name));
}

/** What a rule that names no versions is about: a deny everything, an allow all named ones, and calls without a version. */
function versionsOf({ plan: { effect, versions } }: Coverable): 'any' | 'named' | readonly string[] {
  return versions ?? (effect === 'deny' ? 'any' : 'named');
}

function coversVersions(outer: Coverable, inner: Coverable): boolean {
  const [wide, narrow] = [versionsOf(outer), versionsOf(inner)];
  if (wide === 'any' || wide === narrow) return true;
  if (narrow === 'any' || narrow === 'named') return false;
  return wide === 'named' || narrow.every((name) => wide.includes(name));
}

function coversCallers(outer: Coverable, inner: Coverable, wider: WiderGroups): boolean {
  const [wide, narrow] = [outer.plan.callers, inner.plan.callers];
  if (wide.kind === 'anyone') return true;
  return (
    narrow.kind === 'groups' && narrow.names.every((name) => wide.names.some((group) => isWithin(name, group, wider)))
  );
}

function isWithin(name: string, group: string, wider: WiderGroups): boolean {
  return name === group || wider.get(name)?.has(group) === true;
}

/** Whether a pattern takes in another: a star of the inner one can only be met by a star of the outer one. */
export function coversPattern(outer: ResourcePattern, inner: ResourcePattern): boolean {
  if (outer.service !== inner.service) return false;
  if (outer.segments.length === 1 && outer.segments[0] === '**' && inner.segments.length > 1) return true;
  const [wide, narrow] = [plainSegments(outer), plainSegments(inner)];
  const isOpen = wide.at(-1) === '**';
  if (isOpen ? narrow.length < wide.length : narrow.length !== wide.length) return false;
  const fixed = isOpen ? wide.slice(0, -1) : wide;
  return fixed.every((segment, index) => {
    const other = narrow[index] ?? '';
    return other !== '**' && matchesSegment(segment, other);
  });
}

/** A model is one segment, so that `scoring/**` and `scoring/*` are the same. */
export function plainSegments({ segments }: ResourcePattern): readonly string[] {
  return segments.length === 1 && segments[0] === '**' ? ['*'] : segments;
}
