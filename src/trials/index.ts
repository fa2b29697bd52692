export { type Coverage, coverageOf } from './coverage.ts';
export { type TrialInput, tryTests } from './try-tests.ts';
export type * from './types.ts';
