import type { RulePlan } from '../plan/types.ts';
import type { DecidingRule } from './types.ts';

/** What of a rule goes into audit and answers. */
export function decidingRule({ index, name, file, line }: RulePlan): DecidingRule {
  return Object.freeze({ index, name, file, line });
}
