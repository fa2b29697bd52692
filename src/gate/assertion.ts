import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { type Actor, type Relayed, subjectId } from '../identity/index.ts';
import type { Identity } from '../identity/types.ts';
import type { Clock } from '../std/clock.ts';
import { assertionLifetimeMs } from '../std/limits.ts';
import { createRemembered } from '../std/remembered.ts';
import type { GateKeys } from './keys.ts';
import {
  assertionGroupsBytesMax,
  assertionMarginMs,
  assertionRenewMs,
  assertionsMax,
  relayedGroupsBytesMax,
} from './limits.ts';

/** A signed identity assertion, as the upstream gets it. */
export interface Assertion {
  readonly text: string;
  /** Its `exp`. Milliseconds since the epoch. */
  readonly endsAtMs: number;
}

/**
 * `service` is the audience. Never outlives the credential. `relayed`: for whom the call is made; then the assertion is theirs, the
 * caller its newest actor, and it outlives none of those that it is made from.
 */
export type Assert = (identity: Identity, service: string, relayed?: Relayed) => Promise<Assertion>;

export interface AssertOptions {
  readonly keys: GateKeys;
  readonly clock: Clock;
  /** `iss` of every assertion. */
  readonly issuer: string;
}

/** Signs assertions, one per caller (with the facts of its token) and service, and remembers them. */
export function createAssert({ keys, clock, issuer }: AssertOptions): Assert {
  const remembered = createRemembered<Assertion>(assertionsMax);
  return async (identity, service, relayed) => {
    const nowMs = clock.now();
    const endsMs = Math.min(identity.expiresAtMs, relayed?.endsAtMs ?? Number.POSITIVE_INFINITY);
    const endsAtMs = Math.floor(Math.min(nowMs + assertionLifetimeMs, endsMs) / 1000) * 1000;
    const { provider, id, client, groups } = identity;
    const key = JSON.stringify([service, id, provider, client, groups, relayed?.hash]);
    const known = remembered.get(key);
    if (known !== undefined && isStillGood(known, { nowMs, endsAtMs })) return known;
    const scene = { keys, issuer, service, nowMs, endsAtMs };
    const claims = relayed === undefined ? callerClaims(identity) : relayedClaims(identity, relayed, scene);
    const assertion = { text: await sign(claims, scene), endsAtMs };
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

interface Claims {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

/**
 * `sub` is Headgate's id of the caller, because two issuers may have the same subject; `sub_id` (RFC 9493, section 3.2.3)
 * holds issuer and subject as they are.
 */
function callerClaims({ id, provider, client, ...identity }: Identity): Claims {
  const { groups, isComplete } = boundedGroups(identity.groups, assertionGroupsBytesMax);
  return {
    sub: id,
    sub_id: subjectClaim(identity),
    identity: provider,
    ...(client !== undefined && { client_id: client }),
    groups,
    ...(!isComplete && { groups_complete: false }),
  };
}

/**
 * Of who the call is made for, by this gateway's own id of them, so that a service knows them again however they come. `act`: who has
 * called on, the newest outermost (RFC 8693, section 4.1); `prev`: the assertion that this one is made from.
 */
function relayedClaims(presenter: Identity, relayed: Relayed, { keys, issuer }: SignOptions): Claims {
  const { origin, actors, service, hash } = relayed;
  const { groups, isComplete } = boundedGroups(origin.groups, relayedGroupsBytesMax);
  const newest: Actor = { gateway: issuer, ...presenter, service };
  return {
    sub: subjectId(keys.idKey.reveal(), origin.issuer, origin.subject),
    sub_id: subjectClaim(origin),
    identity: origin.provider,
    ...(origin.client !== undefined && { client_id: origin.client }),
    groups,
    ...(!(isComplete && origin.hasAllGroups) && { groups_complete: false }),
    act: [...actors, newest].reduce<object | undefined>(actClaim, undefined),
    prev: hash,
  };
}

function actClaim(earlier: object | undefined, { gateway, id, service, ...subject }: Actor): object {
  return { iss: gateway, sub: id, sub_id: subjectClaim(subject), service, ...(earlier && { act: earlier }) };
}

function subjectClaim({ issuer, subject }: { readonly issuer: string; readonly subject: string }): object {
  return { format: 'iss_sub', iss: issuer, sub: subject };
}

function sign({ sub, ...claims }: Claims, { keys, issuer, service, nowMs, endsAtMs }: SignOptions): Promise<string> {
  const { keyId, privateKey } = keys.signer();
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', kid: keyId, typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(sub)
    .setAudience(service)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(endsAtMs / 1000)
    .setJti(randomBytes(9).toString('base64url'))
    .sign(privateKey);
}

/** Header fields are bounded on the way to the upstream. */
function boundedGroups(
  all: readonly string[],
  bytesMax: number,
): { readonly groups: readonly string[]; readonly isComplete: boolean } {
  const groups: string[] = [];
  let bytes = 0;
  for (const group of all) {
    bytes += Buffer.byteLength(JSON.stringify(group)) + 1;
    if (bytes > bytesMax) return { groups, isComplete: false };
    groups.push(group);
  }
  return { groups, isComplete: true };
}
