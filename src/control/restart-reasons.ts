import type { Plan } from '../plan/types.ts';
import { canonicalJson } from '../std/canonical-json.ts';

/** What of a Plan is fixed for the life of a process. */
const fixed = {
  environment: 'environment',
  engine: 'engine',
  state: 'state',
  admin: 'admin',
  audit: 'audit',
} as const satisfies Partial<Record<keyof Plan, string>>;

/** Names of what differs and can't be taken up while running. Empty: the new Plan can be swapped in. */
export function restartReasons(running: Plan, wanted: Plan): string[] {
  const keys = Object.keys(fixed) as (keyof typeof fixed)[];
  return keys.filter((key) => canonicalJson(running[key]) !== canonicalJson(wanted[key]));
}
