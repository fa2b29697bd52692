export { type CelFault, type CheckedCel, checkCel } from './cel.ts';
export { createDecider, type Decider, type Explanation } from './decider.ts';
export type { RuleExplanation } from './explain.ts';
export { matchesAction, matchesResource, matchesSegment, matchesSegments } from './patterns.ts';
export type * from './types.ts';
export { isTimeZone } from './zoned-time.ts';
