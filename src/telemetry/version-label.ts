import type { StaticCore } from '../audit/types.ts';
import { unnamedVersionsMax } from './names.ts';

/**
 * The label `version` of a call: its number where the policy names it. Numbers without a name are a caller's words: only those
 * that a rule let through are told apart, and few of them.
 */
export function createVersionLabel(): (core: StaticCore, model: string) => string {
  const unnamed = new Map<string, Set<string>>();
  return ({ service, version, versionName, rule, reason }, model) => {
    if (model === '' || version === null) return '';
    if (versionName !== null) return version;
    if (rule === null || reason === 'rule-denies') return 'other';
    const key = `${service}/${model}`;
    const known = unnamed.get(key) ?? new Set();
    unnamed.set(key, known);
    if (known.size < unnamedVersionsMax) known.add(version);
    return known.has(version) ? version : 'other';
  };
}
