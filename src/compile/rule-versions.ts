import { matchesSegments } from '../decision/index.ts';
import type { ResourcePattern, RulePlan } from '../plan/index.ts';
import type { RuleNode } from '../policy/index.ts';
import { distinct, type Scope } from './scope.ts';

/** The versions that a rule is about. A name that none of its models has would never hold. */
export function compileRuleVersions(
  scope: Scope,
  { versions }: RuleNode,
  resources: readonly ResourcePattern[],
): Pick<RulePlan, 'versions'> | undefined {
  if (versions === undefined) return undefined;
  if (versions.some(({ value }) => value === 'any')) return { versions: 'any' };
  const known = namesWithin(scope, resources);
  for (const { value, span } of versions) {
    if (known === undefined || known.has(value)) continue;
    const hint =
      known.size === 0 ? 'name them: `versions: [stable, canary]` of a model' : scope.hint(value, [...known]);
    const message =
      known.size === 0
        ? 'no model that this rule is about has versions'
        : `no model that this rule is about has a version \`${value}\``;
    scope.report.add('HG2095', message, { span, hint });
    if (known.size === 0) break;
  }
  return { versions: distinct(versions.map(({ value }) => value)) };
}

/** Undefined where a pattern is about nothing known: that is told, and nothing can be said of its versions. */
function namesWithin(scope: Scope, resources: readonly ResourcePattern[]): ReadonlySet<string> | undefined {
  const found = new Set<string>();
  let matched = 0;
  for (const { service, segments } of resources) {
    const known = scope.services.get(service);
    const [only = ''] = segments;
    const isOne = segments.length === 1 && !only.includes('*');
    for (const model of isOne ? [only] : (known?.models ?? [])) {
      if (!known?.models.has(model) || !(isOne || matchesSegments(segments, [model]))) continue;
      matched += 1;
      for (const { value } of known.versions.get(model) ?? []) found.add(value);
    }
  }
  return matched === 0 ? undefined : found;
}
