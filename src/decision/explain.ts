import type { ConditionPlan, ResourcePattern, RulePlan } from '../plan/types.ts';
import type { Asked, Call } from './conditions.ts';
import { decidingRule } from './deciding-rule.ts';
import type { Membership } from './memberships.ts';
import { matchesSegments } from './patterns.ts';
import type { DecidingRule } from './types.ts';

/** One rule held against one call. `matches` is `lacks.length === 0`: it says nothing of the rules before it. */
export interface RuleExplanation {
  readonly rule: DecidingRule;
  readonly effect: 'allow' | 'deny';
  readonly matches: boolean;
  /** What stands in the way, in words; empty where it matches. */
  readonly lacks: readonly string[];
}

interface Question {
  readonly call: Call;
  /** Whether the policy names what the call is made on. */
  readonly isKnown: boolean;
  readonly membership: Membership;
  readonly asked: Asked;
}

/** Every rule, with what it lacks. */
export function explainRules(rules: readonly RulePlan[], question: Question): readonly RuleExplanation[] {
  return rules.map((rule) => {
    const lacks = [
      lacksCaller(rule, question),
      lacksAction(rule, question),
      lacksResource(rule, question),
      lacksCondition(rule, question),
      lacksEffect(rule, question),
    ].filter((sentence) => sentence !== undefined);
    return { rule: decidingRule(rule), effect: rule.effect, matches: lacks.length === 0, lacks };
  });
}

function lacksCaller({ callers }: RulePlan, { call, membership }: Question): string | undefined {
  if (callers.kind === 'anyone' || callers.names.some((group) => membership.groups.has(group))) return undefined;
  if (call.identity === undefined) return `caller is not known, ${oneOf(callers.names)} is asked for`;
  return `caller is not in ${oneOf(callers.names)}`;
}

function lacksAction({ actions }: RulePlan, { call }: Question): string | undefined {
  const { action } = call.operation;
  if (actions.kind === 'any' || actions.names.includes(action)) return undefined;
  return `action ${action} is not ${oneOf(actions.names)}`;
}

function lacksResource({ resources }: RulePlan, { call, isKnown }: Question): string | undefined {
  const { service, resource } = call.operation;
  if (!isKnown) return `resource ${[service, ...resource].join('/')} is not named in the policy`;
  const matches = (pattern: ResourcePattern) =>
    pattern.service === service && matchesSegments(pattern.segments, resource);
  if (resources.some(matches)) return undefined;
  const patterns = resources.map((pattern) => [pattern.service, ...pattern.segments].join('/'));
  return `resource ${[service, ...resource].join('/')} is not ${oneOf(patterns)}`;
}

function lacksCondition({ when, effect }: RulePlan, { asked }: Question): string | undefined {
  if (when === undefined) return undefined;
  const outcome = asked.ask(when);
  if (outcome.kind === 'false') return `condition is false: ${when.cel}`;
  if (outcome.kind === 'failed' && effect === 'allow') return `condition failed: ${outcome.error} in ${when.cel}`;
  return undefined;
}

/** A deny that an exemption takes the effect from. */
function lacksEffect({ unless }: RulePlan, { asked, membership }: Question): string | undefined {
  for (const { groups, when } of unless) {
    const group = groups?.find((name) => membership.groups.has(name));
    if (groups !== undefined && group === undefined) continue;
    if (when !== undefined && asked.ask(when).kind !== 'true') continue;
    return `exempted: ${exemption(group, when)}`;
  }
  return undefined;
}

function exemption(group: string | undefined, when: ConditionPlan | undefined): string {
  const parts = [];
  if (group !== undefined) parts.push(`caller is in ${group}`);
  if (when !== undefined) parts.push(`condition holds: ${when.cel}`);
  return parts.join(', and ');
}

function oneOf(names: readonly string[]): string {
  const shown = names.slice(0, 8);
  const rest = names.length - shown.length;
  const last = rest > 0 ? `${rest} others` : shown.pop();
  return shown.length === 0 ? `${last}` : `${shown.join(', ')} or ${last}`;
}
