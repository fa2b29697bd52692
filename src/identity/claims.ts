import { fault } from './fault.ts';
import { claimBytesMax, numericDateMax } from './limits.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';
import type { Fault } from './types.ts';

/** Registered claims of a token (RFC 7519, section 4.1), each of its type. */
export interface Claims {
  readonly kind: 'claims';
  readonly subject: string;
  readonly audience: readonly string[];
  /** Seconds since the epoch, as are the next two. */
  readonly expires: number;
  readonly notBefore: number | undefined;
  readonly issuedAt: number | undefined;
  readonly groups: readonly string[];
}

/** `groupsClaim`: segments of the claim path. A claim of the wrong type is refused, never read another way. */
export function readClaims(payload: JsonObject, groupsClaim: readonly string[]): Claims | Fault {
  const { sub, exp, nbf, iat } = payload;
  if (!isText(sub)) return malformed('sub');
  const audience = strings(payload.aud);
  if (audience === undefined) return malformed('aud');
  if (!isNumericDate(exp)) return malformed('exp');
  if (nbf !== undefined && !isNumericDate(nbf)) return malformed('nbf');
  if (iat !== undefined && !isNumericDate(iat)) return malformed('iat');
  const groups = groupsOf(payload, groupsClaim);
  if (groups === undefined) return malformed('groups');
  return { kind: 'claims', subject: sub, audience, expires: exp, notBefore: nbf, issuedAt: iat, groups };
}

/** A claim that names someone: well-formed Unicode without control characters, bounded: header fields are made from it. */
export function isText(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed()) return false;
  return Buffer.byteLength(value) <= claimBytesMax && !/\p{Cc}/u.test(value);
}

function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= numericDateMax;
}

/** None is an empty list. */
function strings(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((item) => typeof item === 'string' && item.isWellFormed())
    ? (list as readonly string[])
    : undefined;
}

/**
 * Sorted, without duplicates. A token that says its groups are elsewhere (OpenID Connect Core, section 5.6.2; Entra does it
 * for callers with many) is refused: without them a deny for a group would not see its members.
 */
function groupsOf(payload: JsonObject, path: readonly string[]): readonly string[] | undefined {
  const [first = ''] = path;
  const elsewhere = payload._claim_names;
  if (isJsonObject(elsewhere) && Object.hasOwn(elsewhere, first)) return undefined;
  if (first === 'groups' && payload.hasgroups !== undefined) return undefined;
  let value: unknown = payload;
  for (const segment of path) {
    if (!isJsonObject(value)) return undefined;
    value = Object.hasOwn(value, segment) ? value[segment] : undefined;
    if (value === undefined) return [];
  }
  const groups = strings(value);
  return groups === undefined ? undefined : [...new Set(groups)].sort();
}

function malformed(claim: string): Fault {
  return fault('credential-malformed', `claim ${claim}`);
}
