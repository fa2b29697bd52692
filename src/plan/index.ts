export { addressesOf, mainAddress } from './addresses.ts';
export { conditionsOf, isConditional, readsOf } from './conditions.ts';
export { accessEpoch } from './epoch.ts';
export { freezePlan } from './freeze.ts';
export { issuersOf, keyIssuer } from './key-issuer.ts';
export { PlanError, parsePlan } from './parse.ts';
export { planText } from './text.ts';
export { defaultRetries, type Traffic, trafficOf } from './traffic.ts';
export type * from './types.ts';
