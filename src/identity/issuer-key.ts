import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { fitsKey, isSameAlgorithm } from './algorithms.ts';
import { issuerKeysMax, rsaBitsMin } from './limits.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** A public key that an issuer signs with. */
export interface IssuerKey {
  readonly keyId: string | undefined;
  /** The only algorithm of this key, where its issuer says so. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
  /** Public parts as one text: the same key in a later key set is the same object. */
  readonly print: string;
  /** Set when the issuer no longer publishes it: what was verified by it is forgotten. */
  isRetired: boolean;
}

const kinds: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);
const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** The usable keys of a JWK Set (RFC 7517). An entry that can't be used is left out and harms no other. */
export function readIssuerKeys(entries: readonly unknown[]): readonly IssuerKey[] {
  return entries.slice(0, issuerKeysMax).flatMap((entry) => {
    const key = isJsonObject(entry) ? readIssuerKey(entry) : undefined;
    return key === undefined ? [] : [key];
  });
}

/** A key whose private half is published proves nothing any more. */
function readIssuerKey(entry: JsonObject): IssuerKey | undefined {
  const { kty, use, key_ops, kid, alg } = entry;
  if (!kinds.has(kty) || privateParts.some((part) => entry[part] !== undefined)) return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (alg !== undefined && typeof alg !== 'string') return undefined;
  const key = importKey(entry);
  if (key === undefined) return undefined;
  const print = JSON.stringify([kid, alg, key.export({ format: 'der', type: 'spki' }).toString('base64')]);
  return { keyId: kid, algorithm: alg, key, print, isRetired: false };
}

function importKey(entry: JsonObject): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: entry as JsonWebKey, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < rsaBitsMin ? undefined : key;
  } catch {
    return undefined;
  }
}

/** Whether a token of this header may be signed by that key. A token without `kid` may be signed by any. */
export function mayHaveSigned(
  key: IssuerKey,
  token: { readonly algorithm: string; readonly keyId: string | undefined },
) {
  if (token.keyId !== undefined && key.keyId !== token.keyId) return false;
  if (key.algorithm !== undefined && !isSameAlgorithm(key.algorithm, token.algorithm)) return false;
  return fitsKey(token.algorithm, key.key);
}
