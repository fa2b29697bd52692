import type { LimitPlan } from '../plan/index.ts';
import type { LimitNode, RuleNode } from '../policy/index.ts';
import type { Scope } from './scope.ts';

/** Most limits of one rule. */
const limitsMax = 8;

/** The limits of an allow. Over any window T at most rate·T + burst calls are admitted. */
export function compileLimits(scope: Scope, { limits }: RuleNode): readonly LimitPlan[] {
  if (limits.length > limitsMax) {
    const span = limits[limitsMax]?.span;
    scope.report.add('HG2071', `a rule has at most ${limitsMax} limits, this one has ${limits.length}`, { span });
  }
  checkTwice(scope, limits);
  return limits.map(compileLimit);
}

function compileLimit({ rate, burst, per }: LimitNode): LimitPlan {
  const { count, periodMs } = rate.value;
  return { count, periodMs, burst: burst?.value ?? count, per: per.value };
}

function checkTwice(scope: Scope, limits: readonly LimitNode[]): void {
  const seen = new Map<string, LimitNode>();
  for (const limit of limits) {
    const { count, periodMs } = limit.rate.value;
    const counts = `${limit.per.value} ${periodMs} ${count}`;
    const before = seen.get(counts);
    if (before === undefined) {
      seen.set(counts, limit);
      continue;
    }
    const notes = [{ message: 'the other one', span: before.span }];
    scope.report.add('HG2072', 'this rate is limited already', { span: limit.span, notes, severity: 'warning' });
  }
}
