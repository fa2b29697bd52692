/** Who is calling, as proven by one credential. */
export interface Identity {
  /** Name of the identity in the policy: `staff`. */
  readonly provider: string;
  readonly kind: 'oidc' | 'apiKey';
  readonly issuer: string;
  readonly subject: string;
  /** Id derived from content: a keyed hash of issuer and subject, 22 characters of base64url. Stable over restarts. */
  readonly id: string;
  /** Sorted, without duplicates. */
  readonly groups: readonly string[];
  /** Set for machine tokens only: tokens without a person in them. Of an API key its name. */
  readonly client?: string;
  /** Of an API key: which of those that have its name. */
  readonly keyId?: string;
  /** From when on the credential is refused: its `exp` and the skew that is granted. Milliseconds since the epoch. */
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
  | 'credential-unknown'
  | 'identity-unavailable';

/** A refused credential. `detail` is for the operator and never holds text of the credential. */
export interface Fault {
  readonly kind: 'fault';
  readonly fault: CredentialFault;
  readonly detail: string;
}

export type Identified =
  | { readonly kind: 'identity'; readonly identity: Identity }
  | { readonly kind: 'anonymous' }
  | Fault;

/** Finds out who is calling. */
export interface Identifier {
  /** `headers` raw: name, value, name, value… `nowMs` since the epoch. Never rejects for what a caller sends. */
  identify(headers: readonly string[], nowMs: number): Promise<Identified>;
  status(): readonly IssuerStatus[];
}

export interface IssuerStatus {
  readonly identity: string;
  readonly issuer: string;
  /** `stale`: keys are known, but the last look for them failed. */
  readonly state: 'unknown' | 'ready' | 'stale' | 'failed';
  readonly keys: number;
  readonly fetchedAtMs?: number;
  readonly error?: string;
}
