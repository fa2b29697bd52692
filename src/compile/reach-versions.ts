import type { RulePlan, VersionPlan } from '../plan/index.ts';

/** Calls that rules tell apart by their version: of each named one, without any, and by a number that has no name. */
export interface VersionKind {
  readonly version?: string;
  readonly versionName?: string;
}

const none: VersionKind = {};
const unnamed: VersionKind = { version: '*' };

/** Kinds of calls of a model. Numbers without a name are left out where no rule is about them alone. */
export function versionKinds(rules: readonly RulePlan[], versions: readonly VersionPlan[]): readonly VersionKind[] {
  const named = versions.map(({ name }): VersionKind => ({ version: '', versionName: name }));
  const kinds = named.length === 0 ? [none] : named;
  return rules.some((rule) => rule.versions !== undefined) ? [...kinds, unnamed] : kinds;
}

/** ` versions canary` behind the actions; nothing where the model has no versions, or a deny is about everything. */
export function versionWords(
  { effect }: Pick<RulePlan, 'effect'>,
  open: readonly VersionKind[],
  all: readonly VersionKind[],
): string {
  const hasNames = all.some(({ versionName }) => versionName !== undefined);
  const isWhole = open.length === all.length;
  if (isWhole && (effect === 'deny' || !(hasNames || all.includes(unnamed)))) return '';
  if (isWhole && open.includes(unnamed)) return ' versions any';
  if (!hasNames && !open.includes(unnamed)) return '';
  return ` versions ${open.map((kind) => kind.versionName ?? (kind === unnamed ? 'without a name' : 'none')).join(',')}`;
}
