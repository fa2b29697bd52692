export { keySubjectId } from './api-key.ts';
export type { Fetch } from './fetch-keys.ts';
export { createIdentifier, type IdentifierOptions } from './identifier.ts';
export { subjectId } from './subject-id.ts';
export type { CredentialFault, Fault, Identified, Identifier, Identity, IssuerStatus } from './types.ts';
