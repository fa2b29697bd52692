/** Who is calling, as proven by one credential. */
export interface Identity {
  /** Name of the identity in the policy: `staff`. */
  readonly provider: string;
  readonly kind: 'oidc';
  readonly issuer: string;
  readonly subject: string;
  /** Id derived from content: a keyed hash of issuer and subject, 22 characters of base64url. Stable over restarts. */
  readonly id: string;
  /** Sorted, without duplicates. */
  readonly groups: readonly string[];
  /** Set for machine tokens only: tokens without a person in them. */
  readonly client?: string;
  /** When the credential ends. Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** Why a credential was not accepted. Each is a reason of the denial table. */
export type CredentialFault =
  | 'credential-ambiguous'
  | 'credential-malformed'
  | 'credential-algorithm'
  | 'credential-type'
  | 'credential-issuer'
  | 'credential-signature'
  | 'credential-audience'
  | 'credential-expired'
  | 'credential-not-yet-valid'
  | 'identity-unavailable';

export type Identified =
  | { readonly kind: 'identity'; readonly identity: Identity }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'fault'; readonly fault: CredentialFault; readonly detail: string };
