export { type CelFault, type CheckedCel, checkCel } from './cel.ts';
export { createDecider, type Decider, type Explanation } from './decider.ts';
export type { RuleExplanation } from './explain.ts';
export { createMemberships, type Membership } from './memberships.ts';
export { matchesAction, matchesResource, matchesSegment, matchesSegments } from './patterns.ts';
export type * from './types.ts';
export { coversVersion, versionClass } from './version-match.ts';
export { createVersions, type Versions } from './versions.ts';
export { isTimeZone } from './zoned-time.ts';
