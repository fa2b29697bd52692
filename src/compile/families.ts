import type { FamilyPlan, ResourcePattern, ServicePlan } from '../plan/index.ts';
import type { FamilyNode, Located } from '../policy/index.ts';
import { compileOwned } from './owned.ts';
import type { KnownService, Scope } from './scope.ts';

/** Families of a service. A model in two of them would be governed in two ways. */
export function compileFamilies(
  { report }: Scope,
  families: readonly FamilyNode[],
): Pick<ServicePlan, 'families'> | undefined {
  if (families.length === 0) return undefined;
  const first = new Map<string, { readonly family: string; readonly name: Located<string> }>();
  for (const { name: family, models } of families) {
    for (const { name } of models) {
      const before = first.get(name.value);
      if (before === undefined) first.set(name.value, { family: family.value, name });
      else {
        const message = `model \`${name.value}\` is in family \`${before.family}\` already`;
        report.add('HG2008', message, { span: name.span, notes: [{ message: 'there', span: before.name.span }] });
      }
    }
  }
  return { families: families.map(compileFamily) };
}

function compileFamily(node: FamilyNode): FamilyPlan {
  return { name: node.name.value, models: node.models.map(({ name }) => name.value), ...compileOwned(node) };
}

/** The family that a pattern names: `scoring/family/finance`. */
export function familyOf(segments: readonly string[]): string | undefined {
  return segments.length === 2 && segments[0] === 'family' ? segments[1] : undefined;
}

/** `scoring/family/finance`: one pattern for each of its models. */
export function expandFamily(
  scope: Scope,
  { node, families }: KnownService,
  { value, span, family }: Located<string> & { readonly family: string },
): readonly ResourcePattern[] {
  const known = families.get(family);
  if (known !== undefined)
    return known.models.map(({ name }) => ({ service: node.name.value, segments: [name.value] }));
  const [service] = value.split('/');
  const names = [...families.keys()];
  const hint = names.length === 0 ? 'declare it under `families` of the service' : scope.hint(family, names);
  const notes = [{ message: `\`${service}\` is declared here`, span: node.name.span }];
  scope.report.add('HG2007', `service \`${service}\` has no family \`${family}\``, { span, hint, notes });
  return [];
}
