export { environmentJsonSchema, policyJsonSchema, testsJsonSchema } from './json-schema.ts';
export { parseEnvironment } from './parse-environment.ts';
export { parsePolicy } from './parse-policy.ts';
export { parseTests } from './parse-tests.ts';
export type * from './test-file.ts';
export type * from './traffic-types.ts';
export type * from './types.ts';
