export { keySubjectId } from './api-key.ts';
export type { Fetch } from './fetch-keys.ts';
export { createIdentifier, type IdentifierOptions } from './identifier.ts';
export { assertionHash } from './read-link.ts';
export type { Actor, Origin, Relayed, RelayFault, RelayFaultReason } from './relay-types.ts';
export { relayFault } from './relay-types.ts';
export { createRelays, type Relays, type RelaysOptions } from './relays.ts';
export { subjectId } from './subject-id.ts';
export type { CredentialFault, Fault, Identified, Identifier, Identity, IssuerStatus } from './types.ts';
