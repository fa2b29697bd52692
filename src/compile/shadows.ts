import type { Diagnostic } from '../diagnostics/index.ts';
import { type GroupPlan, isConditional } from '../plan/index.ts';
import { createCoverIndex } from './cover-index.ts';
import type { CompiledRule } from './rules.ts';
import type { Scope } from './scope.ts';
import { widerGroups } from './wider-groups.ts';

/** Finds rules that can never have an effect: another one, without a condition, decides all that they could match. */
export function checkShadows(scope: Scope, rules: readonly CompiledRule[], groups: readonly GroupPlan[]): void {
  const wider = widerGroups(groups);
  const [allows, denies] = [createCoverIndex<CompiledRule>(wider), createCoverIndex<CompiledRule>(wider)];
  for (const rule of rules) {
    if (isConditional(rule.plan) || rule.plan.unless.length > 0) continue;
    (rule.plan.effect === 'allow' ? allows : denies).add(rule);
  }
  for (const rule of rules) {
    const before = rule.plan.index;
    if (rule.plan.effect === 'deny') {
      const deny = denies.find(rule, before);
      if (deny !== undefined) reportRepeatedDeny(scope, rule, deny);
      continue;
    }
    const deny = denies.find(rule, Number.POSITIVE_INFINITY);
    const allow = deny === undefined ? allows.find(rule, before) : undefined;
    if (deny !== undefined) reportBeneathDeny(scope, rule, deny);
    if (allow !== undefined) reportShadowed(scope, rule, allow);
  }
}

function reportShadowed(scope: Scope, rule: CompiledRule, by: CompiledRule): void {
  const message = `rule “${rule.plan.name}” is never reached: “${by.plan.name}” allows all of it before`;
  const hint = 'put the narrower rule first, or give the wider one a condition';
  scope.report.add('HG2040', message, { span: rule.node.name.span, hint, notes: placeOf(by) });
}

function reportBeneathDeny(scope: Scope, rule: CompiledRule, by: CompiledRule): void {
  const message = `rule “${rule.plan.name}” allows nothing: “${by.plan.name}” denies all of it`;
  const hint = 'a deny beats every allow, wherever it stands: exempt from it with `unless`, or take one of them out';
  scope.report.add('HG2041', message, { span: rule.node.name.span, hint, notes: placeOf(by) });
}

function reportRepeatedDeny(scope: Scope, rule: CompiledRule, by: CompiledRule): void {
  const message = `rule “${rule.plan.name}” adds nothing: “${by.plan.name}” denies all of it before`;
  scope.report.add('HG2042', message, { span: rule.node.name.span, severity: 'warning', notes: placeOf(by) });
}

function placeOf({ plan, node }: CompiledRule): NonNullable<Diagnostic['notes']> {
  return [{ message: `“${plan.name}” stands here`, span: node.name.span }];
}
