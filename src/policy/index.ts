export { environmentJsonSchema, policyJsonSchema } from './json-schema.ts';
export { parseEnvironment } from './parse-environment.ts';
export { parsePolicy } from './parse-policy.ts';
export type * from './types.ts';
