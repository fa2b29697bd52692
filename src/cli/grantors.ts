import type { RuleExplanation } from '../decision/index.ts';
import type { AccessPlan } from '../plan/types.ts';
import type { Operation } from '../protocols/index.ts';

/** Whom to ask where a call was refused: the owner of something, and of what. */
export interface Grantor {
  readonly owner: string;
  /** As in `the family finance`. */
  readonly of: string;
}

/**
 * Who could let a refused call through, by what the policy says of owners: of the rule that denies, of the family that the model
 * is in, and of the allow rules that come nearest with the groups that they let in. Empty where the policy names nobody.
 */
export function grantorsOf(
  access: AccessPlan,
  operation: Operation,
  { rules, deciding }: { readonly rules: readonly RuleExplanation[]; readonly deciding: number | undefined },
): Grantor[] {
  const denying = rules.filter(({ rule, effect }) => effect === 'deny' && rule.index === deciding);
  const opening = denying.length > 0 ? denying : nearest(rules);
  const found = [...familyOwners(access, operation), ...opening.flatMap((each) => ruleOwners(access, each))];
  return found.filter(
    (each, at) => found.findIndex((other) => other.owner === each.owner && other.of === each.of) === at,
  );
}

/** As one line: `finance-leads (the family finance); platform (the rule “…”)`. */
export function grantorsText(grantors: readonly Grantor[]): string {
  if (grantors.length === 0) return 'the policy names no owner: whoever reviews its file';
  return grantors.map(({ owner, of }) => `${owner} (owner of ${of})`).join('; ');
}

function familyOwners({ services }: AccessPlan, { service, model }: Operation): Grantor[] {
  const families = services.find(({ name }) => name === service)?.families ?? [];
  return families.flatMap(({ name, owner, models }) =>
    owner !== undefined && model !== undefined && models.includes(model) ? [{ owner, of: `the family ${name}` }] : [],
  );
}

/** The allow rules that lack least. */
function nearest(rules: readonly RuleExplanation[]): RuleExplanation[] {
  const allows = rules.filter(({ effect, lacks }) => effect === 'allow' && lacks.length > 0);
  const least = Math.min(...allows.map(({ lacks }) => lacks.length));
  return allows.filter(({ lacks }) => lacks.length === least);
}

function ruleOwners({ rules, groups }: AccessPlan, { rule, effect, owner }: RuleExplanation): Grantor[] {
  const own = owner === undefined ? [] : [{ owner, of: `the rule “${rule.name}”` }];
  const callers = rules[rule.index]?.callers;
  if (effect === 'deny' || callers?.kind !== 'groups') return own;
  const ofGroups = groups.flatMap((group) =>
    group.owner !== undefined && callers.names.includes(group.name)
      ? [{ owner: group.owner, of: `the group ${group.name}` }]
      : [],
  );
  return [...own, ...ofGroups];
}
