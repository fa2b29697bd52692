import type { Plan, RulePlan } from '../../plan/types.ts';
import { type Speed, speedOf, speeds } from './record.ts';

/** What of the access part stands in the configuration. A process that does more than a policy demands serves it, too. */
export interface Demands {
  /** Lower-case names of the fields that conditions read, sorted: parts of the key. */
  readonly headers: readonly string[];
  /** Whether the address is a part of the key. */
  readonly address: boolean;
  /** Limits of one call, at most. */
  readonly slots: number;
  /** Names of the tables of counters that are used. */
  readonly speeds: readonly Speed['name'][];
  /** Whether the service may get another path than the one that was asked for. */
  readonly rewrites: boolean;
}

export function demandsOf({ access, listeners }: Plan): Demands {
  const reads = Object.values(access.reads);
  const limits = access.rules.map((rule) => rule.limits);
  return union({
    headers: reads.flatMap(({ headers }) => headers),
    address: reads.some(({ address }) => address) || access.rules.some(countsByAddress),
    slots: Math.max(0, ...limits.map((each) => each.length)),
    speeds: limits.flat().flatMap((limit) => speedOf(limit)?.name ?? []),
    rewrites:
      listeners.some(({ routes }) => routes.some(({ strip }) => strip)) ||
      access.services.some(({ versions }) => versions !== undefined),
  });
}

/** What serves both. */
export function union(a: Demands, b: Demands = a): Demands {
  const used = new Set([...a.speeds, ...b.speeds]);
  return {
    headers: [...new Set([...a.headers, ...b.headers])].sort(),
    address: a.address || b.address,
    slots: Math.max(a.slots, b.slots),
    speeds: speeds.map(({ name }) => name).filter((name) => used.has(name)),
    rewrites: a.rewrites || b.rewrites,
  };
}

/** Callers who are not known are counted by address, so their permits are kept by address too. */
function countsByAddress({ callers, limits }: RulePlan): boolean {
  return callers.kind === 'anyone' && limits.some(({ per }) => per === 'caller');
}
