import type { LimitPlan } from '../plan/types.ts';

/** Retry-After of a call that a limit refused, the same on every engine: whole seconds after which one more call fits, at least 1. */
export function retryAfterSeconds(limits: readonly LimitPlan[]): number {
  return Math.max(1, ...limits.map(({ periodMs, count }) => Math.ceil(periodMs / count / 1000)));
}
