/** Bounds of this room. */

/** A discovery document or key set that is larger is refused. */
export const documentBytesMax = 512 * 1024;
/** Both documents together have to arrive in this time. */
export const fetchTimeoutMs = 5_000;
/** A call waits this long for an issuer's keys; then it is answered `identity-unavailable`. Under the gate's own bound. */
export const keysWaitMs = 2_000;
/** Known keys that are older are fetched again beside the request path. */
export const keysRefreshMs = 600_000;
/** An issuer is asked again for a key that is not known after this time at the earliest. */
export const refetchCooldownMs = 10_000;
/** The same where no key at all is known. */
export const firstFetchCooldownMs = 1_000;
/** Keys of one issuer that are looked at; what follows is not. */
export const issuerKeysMax = 100;
/** Keys that one token is tried against, where its `kid` leaves a choice. */
export const candidateKeysMax = 8;
/** Smallest RSA modulus. RFC 7518, section 3.3. */
export const rsaBitsMin = 2048;
/** Failed tokens that are remembered. */
export const failedTokensMax = 10_000;
/** Longest subject, issuer or client, in UTF-8; header fields for the upstream are made from them. */
export const claimBytesMax = 512;
/** Last second of the year 9999: a later `exp` is a mistake in units. */
export const numericDateMax = 253_402_300_799;
