import type { ConditionsPlan, LimitPlan, RulePlan } from '../plan/index.ts';
import { printWindow } from '../std/weekly-window.ts';

/** A line for each rule, in the order in which they decide: where it stands, and what it asks for beside who and what. */
export function lockedRules(rules: readonly RulePlan[]): readonly string[] {
  const width = String(rules.length).length;
  return rules.map((rule) => {
    const { index, effect, name, file, line, versions, unless, limits, streamsUntil, owner, note } = rule;
    const parts = [
      ...(versions === undefined ? [] : [`versions ${versions === 'any' ? 'any' : versions.join(',')}`]),
      ...conditionWords(rule),
      ...unless.map((part) => `unless ${[...groupWords(part.groups), ...conditionWords(part)].join(' and ')}`),
      ...limits.map(limitWords),
      ...(streamsUntil === undefined ? [] : [`open streams until ${streamsUntil}`]),
      ...(owner === undefined ? [] : [`owner ${owner}`]),
      ...(note === undefined ? [] : [`note ${note}`]),
    ];
    const more = parts.length === 0 ? '' : `; ${parts.join('; ')}`;
    return `rule ${String(index + 1).padStart(width)} ${file}:${line} ${effect} “${name}”${more}`;
  });
}

function groupWords(groups: readonly string[] | undefined): readonly string[] {
  return groups === undefined ? [] : [`caller in ${groups.join(' or ')}`];
}

function conditionWords({ via, from, during, when }: ConditionsPlan): readonly string[] {
  return [
    ...(via ? [`via ${via.join(' or ')}`] : []),
    ...(from ? [`from ${from.join(' or ')}`] : []),
    ...(during ? [`during ${during.map(printWindow).join(' or ')}`] : []),
    // On one line, whatever the author broke it into.
    ...(when ? [`when ${JSON.stringify(when.cel)}`] : []),
  ];
}

function limitWords({ count, periodMs, burst, per }: LimitPlan): string {
  return `at most ${count} in ${periodMs / 1000} s, burst ${burst}, per ${per}`;
}
