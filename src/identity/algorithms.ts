import type { KeyObject } from 'node:crypto';

/** Which keys an algorithm is used with. */
interface AlgorithmRow {
  readonly type: 'rsa' | 'ec' | 'ed25519';
  /** OpenSSL's name of the curve. */
  readonly curve?: string;
}

const rsa: AlgorithmRow = { type: 'rsa' };

/**
 * JWS algorithms that exist here at all, with their keys (RFC 7518, RFC 8037). HMAC and `none` are not among them, so no
 * policy can let them in.
 */
const algorithms: ReadonlyMap<string, AlgorithmRow> = new Map<string, AlgorithmRow>([
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', { type: 'ec', curve: 'prime256v1' }],
  ['ES384', { type: 'ec', curve: 'secp384r1' }],
  ['ES512', { type: 'ec', curve: 'secp521r1' }],
  ['EdDSA', { type: 'ed25519' }],
  ['Ed25519', { type: 'ed25519' }],
]);

export function isKnownAlgorithm(algorithm: string): boolean {
  return algorithms.has(algorithm);
}

/** Whether a signature of this algorithm can come from that key at all. */
export function fitsKey(algorithm: string, key: KeyObject): boolean {
  const row = algorithms.get(algorithm);
  if (row === undefined || key.asymmetricKeyType !== row.type) return false;
  return row.curve === undefined || key.asymmetricKeyDetails?.namedCurve === row.curve;
}

/** `EdDSA` of RFC 8037 and `Ed25519` of RFC 9864 are one algorithm for an Ed25519 key. */
export function isSameAlgorithm(left: string, right: string): boolean {
  return left === right || (isEdwards(left) && isEdwards(right));
}

function isEdwards(algorithm: string): boolean {
  return algorithm === 'EdDSA' || algorithm === 'Ed25519';
}
