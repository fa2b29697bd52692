import type { ConditionReads, ConditionsPlan, RulePlan } from './types.ts';

/** Whether anything of a call beside its caller, action and resource has to hold. */
export function isConditional({ via, from, during, when }: ConditionsPlan): boolean {
  return (via ?? from ?? during ?? when) !== undefined;
}

/** The conditions of a rule: its own, and those of its exemptions. */
export function conditionsOf(rule: Pick<RulePlan, 'unless'> & ConditionsPlan): readonly ConditionsPlan[] {
  return [rule, ...rule.unless];
}

/** What conditions read of a call beyond caller, resource and listener. */
export function readsOf({ from, during, when }: ConditionsPlan): ConditionReads {
  return {
    headers: when?.reads.headers ?? [],
    address: from !== undefined || when?.reads.address === true,
    time: during !== undefined || when?.reads.time === true,
    ...(when?.reads.queue && { queue: true }),
  };
}
