import type { RulePlan, UnlessPlan } from '../plan/index.ts';
import type { Located, RuleNode, UnlessNode } from '../policy/index.ts';
import { compileActions } from './actions.ts';
import { compileConditions } from './conditions.ts';
import { compileLimits } from './limits.ts';
import { compileOwned } from './owned.ts';
import { compileResources } from './resources.ts';
import { compileRuleVersions } from './rule-versions.ts';
import { distinct, type Scope } from './scope.ts';

/** A rule with its meaning worked out, and what only the compiler looks at. */
export interface CompiledRule {
  readonly node: RuleNode;
  /** `index` is the position in the file here: rules of other environments are still among them. */
  readonly plan: RulePlan;
  /** Environments it holds in; undefined: all. */
  readonly in: ReadonlySet<string> | undefined;
}

/** All rules, also those of other environments: what is wrong there is told before it matters. */
export function compileRules(scope: Scope): readonly CompiledRule[] {
  let patterns = 0;
  return scope.policy.rules.map((node, index) => {
    const plan = compileRule(scope, node, index);
    patterns += plan.resources.length;
    if (patterns > patternsMax && patterns - plan.resources.length <= patternsMax) reportPatterns(scope, node);
    return { node, plan, in: node.in && new Set(node.in.map(({ value }) => value)) };
  });
}

/** Most patterns of all rules together, once families stand for their models. */
const patternsMax = 500_000;

function reportPatterns({ report }: Scope, { at, name }: RuleNode): void {
  const message = `the rules up to here come to more than ${patternsMax} patterns`;
  const hint = 'a rule about a large part of a service is shorter with `*` or `**`';
  report.add('HG2009', message, { span: at[0]?.span ?? name.span, hint });
}

function compileRule(scope: Scope, node: RuleNode, index: number): RulePlan {
  const isHere = node.in?.some(({ value }) => value === scope.environment.name.value) ?? true;
  const resources = compileResources(scope, node);
  return {
    index,
    name: node.name.value,
    effect: node.effect,
    file: scope.policy.file,
    line: node.span.line,
    callers: compileCallers(scope, node),
    actions: compileActions(scope, node),
    resources,
    ...compileRuleVersions(scope, node, resources),
    ...compileConditions(scope, node, isHere),
    unless: node.unless.map((part) => compileUnless(scope, part, isHere)),
    limits: compileLimits(scope, node),
    ...(node.streamsUntil && { streamsUntil: node.streamsUntil.value }),
    ...compileOwned(node),
  };
}

function compileCallers(scope: Scope, { callers }: RuleNode): RulePlan['callers'] {
  if (callers.value === 'anyone') return { kind: 'anyone' };
  return { kind: 'groups', names: compileGroupNames(scope, callers.value) };
}

function compileGroupNames(scope: Scope, names: readonly Located<string>[]): readonly string[] {
  for (const { value, span } of names) {
    if (scope.groups.has(value)) continue;
    const hint = scope.hint(value, [...scope.groups.keys(), 'anyone']);
    scope.report.add('HG2002', `unknown group \`${value}\``, { span, hint });
  }
  return distinct(names.map(({ value }) => value));
}

function compileUnless(scope: Scope, part: UnlessNode, isHere: boolean): UnlessPlan {
  return {
    ...(part.caller && { groups: compileGroupNames(scope, part.caller) }),
    ...compileConditions(scope, part, isHere),
  };
}
