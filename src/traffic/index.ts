export { type Loaded, leastInFlight } from './balance.ts';
export { Claims, claimed, claimMemory, unclaimable } from './claims.ts';
export { full, passed, type QueueCounts, queueMemory, queueOwnersMax, queuesMax, SharedQueues } from './queue.ts';
export { type RateCounter, RateLimiter, type RateOwner, rateCounter, rateMemory, rateSlotsMax } from './rate-limit.ts';
export { retryAfterSeconds } from './retry-after.ts';
