export { better, type Candidate, type Choice, type Choosable, choose } from './balance.ts';
export { Ejection, type Standing } from './ejection.ts';
export { type Check, HealthBook, type HealthEvent, type HealthTarget } from './health.ts';
export type { ReplicaView } from './health-view.ts';
export { type RateCounter, RateLimiter, type RateOwner, rateCounter, rateMemory, rateSlotsMax } from './rate-limit.ts';
export { pointOfText, weight } from './rendezvous.ts';
export type { Found } from './replica-health.ts';
export { ReplicaMemory, replicaMemory, word } from './replica-memory.ts';
export { retryAfterSeconds } from './retry-after.ts';
