import type { OwnedPlan } from '../plan/index.ts';
import type { OwnedNode } from '../policy/index.ts';

/** Who answers for a rule, a group or a family, and what they say of it. */
export function compileOwned({ owner, note }: OwnedNode): OwnedPlan {
  return { ...(owner && { owner: owner.value }), ...(note && { note: note.value }) };
}
