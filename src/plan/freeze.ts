import type { Plan } from './types.ts';

/** The same Plan, frozen through and through. What is frozen already is not walked again. */
export function freezePlan(plan: Plan): Plan {
  freezeDeep(plan);
  return plan;
}

function freezeDeep(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freezeDeep(member);
}
