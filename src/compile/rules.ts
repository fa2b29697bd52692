import type { RulePlan, UnlessPlan } from '../plan/index.ts';
import type { Located, RuleNode, UnlessNode } from '../policy/index.ts';
import { compileActions } from './actions.ts';
import { compileCondition } from './conditions.ts';
import { compileLimits } from './limits.ts';
import { compileResources } from './resources.ts';
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
  return scope.policy.rules.map((node, index) => ({
    node,
    plan: compileRule(scope, node, index),
    in: node.in && new Set(node.in.map(({ value }) => value)),
  }));
}

function compileRule(scope: Scope, node: RuleNode, index: number): RulePlan {
  return {
    index,
    name: node.name.value,
    effect: node.effect,
    file: scope.policy.file,
    line: node.span.line,
    callers: compileCallers(scope, node),
    actions: compileActions(scope, node),
    resources: compileResources(scope, node),
    ...(node.when && { when: compileCondition(scope, node.when) }),
    unless: node.unless.map((part) => compileUnless(scope, part)),
    limits: compileLimits(scope, node),
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

function compileUnless(scope: Scope, { caller, when }: UnlessNode): UnlessPlan {
  return {
    ...(caller && { groups: compileGroupNames(scope, caller) }),
    ...(when && { when: compileCondition(scope, when) }),
  };
}
