import { compactVerify } from 'jose';
import { fault } from './fault.ts';
import { type IssuerKey, mayHaveSigned } from './issuer-key.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { candidateKeysMax } from './limits.ts';
import type { ReadToken } from './read-token.ts';
import type { Fault } from './types.ts';

/**
 * The key that signed a token. Where no known key did, the issuer is asked again (it may have rotated, even under the same
 * `kid`); where it can't be asked, that is no fault of the caller.
 */
export async function verifySignature(
  token: ReadToken,
  issuerKeys: IssuerKeys,
): Promise<{ readonly kind: 'verified'; readonly key: IssuerKey } | Fault> {
  const known = await issuerKeys.known();
  if (known === undefined) return fault('identity-unavailable', 'no key of the issuer is known');
  const key = await signer(token, known);
  if (key !== undefined) return { kind: 'verified', key };
  const isCurrent = await issuerKeys.again();
  const keys = (await issuerKeys.known()) ?? known;
  const later = keys === known ? undefined : await signer(token, keys);
  if (later !== undefined) return { kind: 'verified', key: later };
  return notSigned(token, { keys, isCurrent });
}

async function signer(token: ReadToken, keys: readonly IssuerKey[]): Promise<IssuerKey | undefined> {
  const candidates = keys.filter((key) => mayHaveSigned(key, token)).slice(0, candidateKeysMax);
  for (const candidate of candidates) if (await isSignedBy(token, candidate)) return candidate;
  return undefined;
}

async function isSignedBy(token: ReadToken, { key }: IssuerKey): Promise<boolean> {
  try {
    await compactVerify(token.text, key, { algorithms: [token.algorithm] });
    return true;
  } catch {
    return false;
  }
}

function notSigned(
  { keyId, algorithm }: ReadToken,
  { keys, isCurrent }: { readonly keys: readonly IssuerKey[]; readonly isCurrent: boolean },
): Fault {
  const named = keyId === undefined ? keys : keys.filter((key) => key.keyId === keyId);
  if (named.some((key) => mayHaveSigned(key, { keyId, algorithm }))) {
    return fault('credential-signature', 'signature does not verify');
  }
  if (named.length > 0) return fault('credential-algorithm', 'no key of the issuer is for this algorithm');
  if (!isCurrent) return fault('identity-unavailable', 'the key is not known and the issuer cannot be asked');
  return fault('credential-signature', 'the issuer has no such key');
}
