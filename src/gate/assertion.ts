import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Identity } from '../identity/types.ts';
import type { Clock } from '../std/clock.ts';
import { assertionLifetimeMs } from '../std/limits.ts';
import { createRemembered } from '../std/remembered.ts';
import type { GateKeys } from './keys.ts';
import { assertionGroupsBytesMax, assertionMarginMs, assertionRenewMs, assertionsMax } from './limits.ts';

/** A signed identity assertion, as the upstream gets it. */
export interface Assertion {
  readonly text: string;
  /** Its `exp`. Milliseconds since the epoch. */
  readonly endsAtMs: number;
}

/** `service` is the audience. Never outlives the credential. */
export type Assert = (identity: Identity, service: string) => Promise<Assertion>;

export interface AssertOptions {
  readonly keys: GateKeys;
  readonly clock: Clock;
  /** `iss` of every assertion. */
  readonly issuer: string;
}

/** Signs assertions, one per caller (with the facts of its token) and service, and remembers them. */
export function createAssert({ keys, clock, issuer }: AssertOptions): Assert {
  const remembered = createRemembered<Assertion>(assertionsMax);
  return async (identity, service) => {
    const nowMs = clock.now();
    const endsAtMs = Math.floor(Math.min(nowMs + assertionLifetimeMs, identity.expiresAtMs) / 1000) * 1000;
    const { provider, id, client, groups } = identity;
    const key = JSON.stringify([service, id, provider, client, groups]);
    const known = remembered.get(key);
    if (known !== undefined && isStillGood(known, { nowMs, endsAtMs })) return known;
    const assertion = { text: await sign(identity, { keys, issuer, service, nowMs, endsAtMs }), endsAtMs };
    remembered.set(key, assertion);
    return assertion;
  };
}

/** `endsAtMs`: end of a fresh one. A remembered one is never used beyond this caller's credential. */
function isStillGood(known: Assertion, { nowMs, endsAtMs }: { readonly nowMs: number; readonly endsAtMs: number }) {
  if (known.endsAtMs === endsAtMs) return true;
  return (
    known.endsAtMs < endsAtMs &&
    known.endsAtMs > nowMs + assertionMarginMs &&
    endsAtMs - known.endsAtMs < assertionRenewMs
  );
}

interface SignOptions {
  readonly keys: GateKeys;
  readonly issuer: string;
  readonly service: string;
  readonly nowMs: number;
  readonly endsAtMs: number;
}

/**
 * `sub` is Headgate's id of the caller, because two issuers may have the same subject; `sub_id` (RFC 9493, section 3.2.3)
 * holds issuer and subject as they are.
 */
function sign(identity: Identity, { keys, issuer, service, nowMs, endsAtMs }: SignOptions): Promise<string> {
  const { keyId, privateKey } = keys.signer();
  const { groups, isComplete } = boundedGroups(identity.groups);
  const claims = {
    sub_id: { format: 'iss_sub', iss: identity.issuer, sub: identity.subject },
    identity: identity.provider,
    ...(identity.client !== undefined && { client_id: identity.client }),
    groups,
    ...(!isComplete && { groups_complete: false }),
  };
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', kid: keyId, typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(identity.id)
    .setAudience(service)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(endsAtMs / 1000)
    .setJti(randomBytes(9).toString('base64url'))
    .sign(privateKey);
}

/** Header fields are bounded on the way to the upstream. */
function boundedGroups(all: readonly string[]): { readonly groups: readonly string[]; readonly isComplete: boolean } {
  const groups: string[] = [];
  let bytes = 0;
  for (const group of all) {
    bytes += Buffer.byteLength(JSON.stringify(group)) + 1;
    if (bytes > assertionGroupsBytesMax) return { groups, isComplete: false };
    groups.push(group);
  }
  return { groups, isComplete: true };
}
