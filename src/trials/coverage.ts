import type { KnownRule, TestRun } from './types.ts';

/** Which rules decided a case of a passing or failing test. */
export interface Coverage {
  readonly reached: number;
  readonly rules: number;
  /** 0 to 100, rounded down: 100 means all. A policy without rules has all of them. */
  readonly percent: number;
  /** How many cases each rule decided, in file order. */
  readonly byRule: readonly (KnownRule & { readonly cases: number })[];
}

/** A rule is reached where it decided a case: matching beneath another that decides says nothing of it. */
export function coverageOf({ tests, rules }: TestRun): Coverage {
  const counts = new Map<string, number>();
  for (const { rule } of tests.flatMap(({ cases }) => cases)) {
    if (rule !== undefined) counts.set(rule.name, (counts.get(rule.name) ?? 0) + 1);
  }
  const byRule = rules.map((rule) => ({ ...rule, cases: counts.get(rule.name) ?? 0 }));
  const reached = byRule.filter(({ cases }) => cases > 0).length;
  const percent = rules.length === 0 ? 100 : Math.floor((reached * 100) / rules.length);
  return { reached, rules: rules.length, percent, byRule };
}
