import { isConditional } from '../plan/index.ts';
import type { ResourcePattern, RulePlan } from '../plan/types.ts';
import type { Asked, Call } from './conditions.ts';
import { decidingRule } from './deciding-rule.ts';
import type { Membership } from './memberships.ts';
import { oneOf } from './one-of.ts';
import { matchesAction, matchesResource } from './patterns.ts';
import type { DecidingRule } from './types.ts';

/** One rule held against one call. `matches` is `lacks.length === 0`: it says nothing of the rules before it. */
export interface RuleExplanation {
  readonly rule: DecidingRule;
  readonly effect: 'allow' | 'deny';
  /** Who answers for the rule, and what they say of it. */
  readonly owner?: string;
  readonly note?: string;
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
    const { effect, owner, note } = rule;
    const owned = { ...(owner !== undefined && { owner }), ...(note !== undefined && { note }) };
    return { rule: decidingRule(rule), effect, ...owned, matches: lacks.length === 0, lacks };
  });
}

function lacksCaller({ callers }: RulePlan, { call, membership }: Question): string | undefined {
  if (callers.kind === 'anyone' || callers.names.some((group) => membership.groups.has(group))) return undefined;
  if (call.identity === undefined) return `caller is not known, ${oneOf(callers.names)} is asked for`;
  return `caller is not in ${oneOf(callers.names)}`;
}

function lacksAction(rule: RulePlan, { call }: Question): string | undefined {
  const { actions } = rule;
  const { action } = call.operation;
  if (matchesAction(rule, call.operation)) return undefined;
  if (actions.kind === 'any') return `action ${action} has to be named, any does not allow it`;
  return `action ${action} is not ${oneOf(actions.names)}`;
}

function lacksResource({ resources }: RulePlan, { call, isKnown }: Question): string | undefined {
  const { service, resource } = call.operation;
  if (!isKnown) return `resource ${[service, ...resource].join('/')} is not named in the policy`;
  const matches = (pattern: ResourcePattern) =>
    pattern.service === service && matchesResource(pattern.segments, resource);
  if (resources.some(matches)) return undefined;
  const patterns = resources.map((pattern) => [pattern.service, ...pattern.segments].join('/'));
  return `resource ${[service, ...resource].join('/')} is not ${oneOf(patterns)}`;
}

function lacksCondition(rule: RulePlan, { asked, call }: Question): string | undefined {
  const lacks = asked.each(rule).flatMap(({ part, outcome }) => {
    if (outcome.kind === 'false') return [part.unmet(call.facts)];
    return outcome.kind === 'failed' && rule.effect === 'allow' ? [part.failed(outcome.error)] : [];
  });
  return lacks.length === 0 ? undefined : lacks.join('; ');
}

/** A deny that an exemption takes the effect from. */
function lacksEffect({ unless }: RulePlan, { asked, membership }: Question): string | undefined {
  for (const exemption of unless) {
    const group = exemption.groups?.find((name) => membership.groups.has(name));
    if (exemption.groups !== undefined && group === undefined) continue;
    if (isConditional(exemption) && asked.ask(exemption).kind !== 'true') continue;
    const met = asked.each(exemption).map(({ part }) => part.met);
    return `exempted: ${[...(group === undefined ? [] : [`caller is in ${group}`]), ...met].join(', and ')}`;
  }
  return undefined;
}
