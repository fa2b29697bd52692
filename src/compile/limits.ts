import type { LimitPlan } from '../plan/index.ts';
import type { LimitNode, RuleNode } from '../policy/index.ts';
import type { Scope } from './scope.ts';

/** Most limits of one rule. */
const limitsMax = 8;
/** Largest count and burst: what every engine can hold in 32 bits with room to add. Calls. */
const callsMax = 1_000_000_000;
/** Longest period. Milliseconds; a day. */
const periodMsMax = 86_400_000;

/** The limits of an allow. Over any window T at most rate·T + burst calls are admitted. */
export function compileLimits(scope: Scope, rule: RuleNode): readonly LimitPlan[] {
  const [first] = rule.limits;
  if (rule.effect === 'deny' && first !== undefined) {
    scope.report.add('HG1212', 'a deny has no limits', { span: first.span, hint: 'limit the rule that allows' });
  }
  if (rule.limits.length > limitsMax) {
    const span = rule.limits[limitsMax]?.span;
    scope.report.add('HG2071', `a rule has at most ${limitsMax} limits, this one has ${rule.limits.length}`, { span });
  }
  checkTwice(scope, rule.limits);
  return rule.limits.map((node) => compileLimit(scope, node));
}

function compileLimit(scope: Scope, { rate, burst, per }: LimitNode): LimitPlan {
  const { count, periodMs } = rate.value;
  if (!isWithin(count, callsMax) || !isWithin(periodMs, periodMsMax)) {
    const hint = `from 1 to ${callsMax} calls, in a period of at most a day: 200/s, 10/m, 5/h`;
    scope.report.add('HG2070', 'no engine can count this rate', { span: rate.span, hint });
  }
  const admitted = burst?.value ?? Math.max(1, count);
  if (burst !== undefined && !isWithin(burst.value, callsMax)) {
    const message = `a burst of ${burst.value} ${burst.value < 1 ? 'lets no call through' : 'is more than can be counted'}`;
    scope.report.add('HG2070', message, { span: burst.span, hint: `a whole number from 1 to ${callsMax}` });
  }
  return { count, periodMs, burst: admitted, per: per.value };
}

function isWithin(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max;
}

function checkTwice(scope: Scope, limits: readonly LimitNode[]): void {
  const seen = new Map<string, LimitNode>();
  for (const limit of limits) {
    const counts = `${limit.per.value} ${limit.rate.value.periodMs} ${limit.rate.value.count}`;
    const before = seen.get(counts);
    if (before === undefined) {
      seen.set(counts, limit);
      continue;
    }
    const notes = [{ message: 'the other one', span: before.span }];
    scope.report.add('HG2072', 'this rate is limited already', { span: limit.span, notes, severity: 'warning' });
  }
}
