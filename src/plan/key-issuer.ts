import type { IdentityPlan } from './types.ts';

/** Issuer of every caller who is known by an API key. */
export const keyIssuer = 'urn:headgate:keys';

/** Issuers by which callers of an identity are known. */
export function issuersOf(identity: IdentityPlan | undefined): readonly string[] {
  if (identity === undefined) return [];
  return identity.kind === 'apiKeys' ? [keyIssuer] : identity.issuers;
}
