import type { LimitPlan } from '../plan/types.ts';

/**
 * RateLimit-Policy of a call that a limit refused, the same on every engine: what its rule allows, one member a limit, named for what it
 * is counted by. Source: draft-ietf-httpapi-ratelimit-headers-11, section 3: quota `q` in a window of `w` whole seconds. Without spaces;
 * no limits: empty.
 */
export function rateLimitPolicy(limits: readonly LimitPlan[]): string {
  const counts = { caller: 0, rule: 0 };
  const members = limits.map(({ per, count, periodMs }) => {
    counts[per] += 1;
    const name = counts[per] === 1 ? per : `${per}-${counts[per]}`;
    return `"${name}";q=${count};w=${Math.max(1, Math.round(periodMs / 1000))}`;
  });
  return members.join(',');
}
