import { freezePlan } from './freeze.ts';
import { brokenInvariant } from './invariants.ts';
import { planSchema } from './schema.ts';
import type { Plan } from './types.ts';

/** What was read is not a Plan. `code` is stable; the message says what is wrong and where. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
  readonly code = 'plan-invalid';
}

/** Reads a Plan's text (JSON), checks its form and its invariants, and freezes it. Throws `PlanError`. */
export function parsePlan(text: string): Plan {
  const parsed = planSchema.safeParse(readJson(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new PlanError(`not a plan: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  const reason = brokenInvariant(parsed.data);
  if (reason !== undefined) throw new PlanError(`not a plan: ${reason}`);
  return freezePlan(parsed.data);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PlanError('not a plan: not JSON', { cause });
  }
}
