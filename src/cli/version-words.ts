import type { VersionPlan } from '../plan/types.ts';
import type { Operation } from '../protocols/index.ts';
import { printShare } from '../std/share.ts';

/** `, version 4 (canary)`; nothing where there is none. */
export function versionWords({ version, versionName }: Pick<Operation, 'version' | 'versionName'>): string {
  if (version === undefined) return '';
  return `, version ${version}${versionName === undefined ? '' : ` (${versionName})`}`;
}

const reasons: Readonly<Record<NonNullable<Operation['versionBy']>, string>> = {
  number: 'as asked for by number',
  label: 'as asked for by label',
  share: 'by the shares of callers',
};

/** Why it is this version; nothing where there is none. */
export function versionReason({ version, versionBy }: Operation): string {
  return version === undefined || versionBy === undefined ? '' : `, ${reasons[versionBy]}`;
}

/** `stable 3, canary 4 (5 %)` */
export function versionList(versions: readonly VersionPlan[]): string {
  const words = ({ name, number, sharePpm }: VersionPlan): string =>
    `${name} ${number}${sharePpm === undefined ? '' : ` (${printShare(sharePpm)})`}`;
  return versions.map(words).join(', ');
}
