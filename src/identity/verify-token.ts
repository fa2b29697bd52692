import type { OidcPlan } from '../plan/types.ts';
import { isSameAlgorithm } from './algorithms.ts';
import { type Claims, isText, readClaims } from './claims.ts';
import { fault } from './fault.ts';
import type { IssuerKey } from './issuer-key.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { machineClient } from './machine-client.ts';
import type { ReadToken } from './read-token.ts';
import { readToken } from './read-token.ts';
import { subjectId } from './subject-id.ts';
import type { Fault, Identity } from './types.ts';
import { verifySignature } from './verify-signature.ts';

/** An issuer, and the identities that it stands behind. */
export interface TrustedIssuer {
  readonly plans: readonly OidcPlan[];
  readonly keys: IssuerKeys;
}

export interface VerifyOptions {
  readonly issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly idKey: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface Verified {
  readonly kind: 'verified';
  readonly identity: Identity;
  readonly key: IssuerKey;
}

/** Who a token stands for, or why it is refused. The first fault in the order that is read here. */
export async function verifyToken(text: string, options: VerifyOptions): Promise<Verified | Fault> {
  const token = readToken(text);
  if (token.kind === 'fault') return token;
  const { iss } = token.payload;
  if (iss !== undefined && typeof iss !== 'string') return fault('credential-malformed', 'claim iss');
  // Read before anything is proven, and used for nothing but to pick the keys.
  const trusted = options.issuers.get(iss ?? '');
  if (iss === undefined || trusted === undefined) return fault('credential-issuer', 'issuer is not accepted');
  const plans = acceptingPlans(token, trusted.plans);
  if ('kind' in plans) return plans;
  const signed = await verifySignature(token, trusted.keys);
  if (signed.kind === 'fault') return signed;
  return identityOf({ token, issuer: iss, plans, key: signed.key }, options);
}

function acceptingPlans(token: ReadToken, plans: readonly OidcPlan[]): readonly OidcPlan[] | Fault {
  const byAlgorithm = plans.filter((plan) =>
    plan.algorithms.some((algorithm) => isSameAlgorithm(algorithm, token.algorithm)),
  );
  if (byAlgorithm.length === 0) return fault('credential-algorithm', 'algorithm is not accepted for this identity');
  if (token.payload.events !== undefined) return fault('credential-type', 'security event token');
  if (token.payload.cnf !== undefined) return fault('credential-type', 'token is bound to a key of its sender');
  const byType = byAlgorithm.filter((plan) => plan.types.includes(token.type));
  return byType.length > 0 ? byType : fault('credential-type', 'type is not accepted for this identity');
}

interface Signed {
  readonly token: ReadToken;
  readonly issuer: string;
  readonly plans: readonly OidcPlan[];
  readonly key: IssuerKey;
}

/** Of several identities behind one issuer, the first whose audience the token is for. */
function identityOf({ token, issuer, plans, key }: Signed, { idKey, nowMs }: VerifyOptions): Verified | Fault {
  const { payload } = token;
  for (const plan of plans) {
    const claims = readClaims(payload, plan.groupsClaim);
    if (claims.kind === 'fault') return claims;
    if (!claims.audience.some((audience) => plan.audience.includes(audience))) continue;
    const late = timeFault(claims, nowMs, plan.skewSeconds);
    if (late !== undefined) return late;
    for (const name of ['client_id', 'azp'] as const) {
      if (payload[name] !== undefined && !isText(payload[name])) return fault('credential-malformed', `claim ${name}`);
    }
    const client = machineClient(payload);
    const identity: Identity = {
      provider: plan.name,
      kind: 'oidc',
      issuer,
      subject: claims.subject,
      id: subjectId(idKey, issuer, claims.subject),
      groups: claims.groups,
      ...(client !== undefined && { client }),
      expiresAtMs: Math.floor((claims.expires + plan.skewSeconds) * 1000),
    };
    return { kind: 'verified', identity, key };
  }
  return fault('credential-audience', 'audience is another');
}

function timeFault({ expires, notBefore, issuedAt }: Claims, nowMs: number, skewSeconds: number): Fault | undefined {
  const now = nowMs / 1000;
  if (now >= expires + skewSeconds) return fault('credential-expired', 'exp has passed');
  if (notBefore !== undefined && now < notBefore - skewSeconds) return fault('credential-not-yet-valid', 'nbf');
  if (issuedAt !== undefined && now < issuedAt - skewSeconds) return fault('credential-not-yet-valid', 'iat');
  return undefined;
}
