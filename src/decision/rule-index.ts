import { isConditional } from '../plan/index.ts';
import type { AccessPlan, RulePlan } from '../plan/types.ts';
import type { Membership } from './memberships.ts';
import { isLiteral, matchesAction, matchesResource } from './patterns.ts';

/** Rules and lists of rules remembered for (resource, action, groups) at most; then they are worked out anew. */
const rememberedMax = 2_000_000;

/** What is left to look at for one resource, action and set of groups: the rest was settled by names alone. In file order. */
export interface Contenders {
  /** Denies, up to the first that nothing can exempt from or condition. */
  readonly denies: readonly RulePlan[];
  /** Allows, up to the first without a condition. */
  readonly allows: readonly RulePlan[];
}

/** What is asked of the index. */
export interface Target {
  readonly service: string;
  readonly action: string;
  readonly resource: readonly string[];
}

/** Rules by what they are about: looking one up costs the same, however many there are. Filled as it is asked; bounded. */
export interface RuleIndex {
  contenders(target: Target, membership: Membership): Contenders;
}

export function createRuleIndex(access: AccessPlan, remembersMax = rememberedMax): RuleIndex {
  const shelves = fileRules(access.rules);
  let cells = new Map<string, Cell>();
  let remembers = 0;
  return {
    contenders(target, membership) {
      if (remembers > remembersMax) {
        cells = new Map();
        remembers = 0;
      }
      const key = cellKey(target);
      let cell = cells.get(key);
      if (cell === undefined) {
        cell = makeCell(rulesAbout(shelves.get(target.service), target));
        cells.set(key, cell);
        remembers += cell.size + 1;
      }
      let found = cell.known.get(membership);
      if (found === undefined) {
        found = contend(cell, membership);
        cell.known.set(membership, found);
        remembers += found.denies.length + found.allows.length + 1;
      }
      return found;
    },
  };
}

/** Segments hold no slash and no name holds a NUL: the parts can't run into one another. */
function cellKey({ service, action, resource }: Target): string {
  return `${service}\0${action}\0${resource.length === 1 ? resource[0] : resource.join('/')}`;
}

/** The rules of one service: those whose pattern names one resource under it, and those with a star. */
interface Shelf {
  readonly exact: Map<string, RulePlan[]>;
  readonly open: { readonly rule: RulePlan; readonly segments: readonly string[] }[];
}

function fileRules(rules: readonly RulePlan[]): ReadonlyMap<string, Shelf> {
  const shelves = new Map<string, Shelf>();
  for (const rule of rules) {
    for (const { service, segments } of rule.resources) {
      const shelf: Shelf = shelves.get(service) ?? { exact: new Map(), open: [] };
      shelves.set(service, shelf);
      if (segments.every(isLiteral)) push(shelf.exact, segments.join('/'), rule);
      else shelf.open.push({ rule, segments });
    }
  }
  return shelves;
}

function rulesAbout(shelf: Shelf | undefined, target: Target): readonly RulePlan[] {
  if (shelf === undefined) return [];
  const { resource } = target;
  const open = shelf.open.filter(({ segments }) => matchesResource(segments, resource)).map(({ rule }) => rule);
  const found = new Set([...(shelf.exact.get(resource.join('/')) ?? []), ...open]);
  return [...found].filter((rule) => matchesAction(rule, target)).sort((a, b) => a.index - b.index);
}

/** The rules about one resource and action, by group. */
interface Cell {
  readonly anyone: readonly RulePlan[];
  readonly byGroup: ReadonlyMap<string, readonly RulePlan[]>;
  readonly known: WeakMap<Membership, Contenders>;
  readonly size: number;
}

function makeCell(rules: readonly RulePlan[]): Cell {
  const anyone: RulePlan[] = [];
  const byGroup = new Map<string, RulePlan[]>();
  for (const rule of rules) {
    if (rule.callers.kind === 'anyone') anyone.push(rule);
    else for (const group of new Set(rule.callers.names)) push(byGroup, group, rule);
  }
  return { anyone, byGroup, known: new WeakMap(), size: rules.length };
}

function contend(cell: Cell, { groups }: Membership): Contenders {
  const found = new Set(cell.anyone);
  for (const group of groups) for (const rule of cell.byGroup.get(group) ?? []) found.add(rule);
  const inOrder = [...found].sort((a, b) => a.index - b.index);
  const denies = inOrder.filter((rule) => rule.effect === 'deny' && !isExempt(rule, groups));
  const allows = inOrder.filter((rule) => rule.effect === 'allow');
  return {
    denies: upTo(denies, (rule) => !isConditional(rule) && !hasExemption(rule, groups)),
    allows: upTo(allows, (rule) => !isConditional(rule)),
  };
}

/** Exempt by groups alone, whatever the request. */
function isExempt(rule: RulePlan, groups: ReadonlySet<string>): boolean {
  return rule.unless.some((part) => !isConditional(part) && part.groups?.some((group) => groups.has(group)));
}

/** Whether some exemption is left that the request could bring about. */
function hasExemption(rule: RulePlan, groups: ReadonlySet<string>): boolean {
  return rule.unless.some(
    (part) => isConditional(part) && (part.groups === undefined || part.groups.some((group) => groups.has(group))),
  );
}

/** A list up to the first that ends it, with it. */
function upTo<T>(items: readonly T[], ends: (item: T) => boolean): readonly T[] {
  const last = items.findIndex(ends);
  return last < 0 ? items : items.slice(0, last + 1);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
