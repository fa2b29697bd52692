export { type Loaded, leastInFlight } from './balance.ts';
export { type RateCounter, RateLimiter, type RateOwner, rateCounter, rateMemory, rateSlotsMax } from './rate-limit.ts';
export { rateLimitPolicy } from './rate-limit-policy.ts';
export { retryAfterSeconds } from './retry-after.ts';
export { budgetMemory, RetryBudget, retriesPerWindowMin } from './retry-budget.ts';
