import type { RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';

/** What rules see of a call's version. */
export type VersionOf = Pick<Operation, 'version' | 'versionName'>;

/**
 * Whether a rule is about the version of a call. A number without a name is only for a rule that says `any`; a deny that says
 * nothing holds for every version: what it keeps closed is not opened by a number.
 */
export function coversVersion({ versions, effect }: Pick<RulePlan, 'versions' | 'effect'>, call: VersionOf): boolean {
  const { version, versionName } = call;
  if (versions === undefined) return effect === 'deny' || version === undefined || versionName !== undefined;
  return versions === 'any' || (versionName !== undefined && versions.includes(versionName));
}

/** Calls that no rule tells apart by their version have the same text; no name of a version begins with a star. */
export function versionClass({ version, versionName }: VersionOf): string {
  return versionName ?? (version === undefined ? '' : '*');
}
