import { hash } from 'node:crypto';
import { isKeyText, type KeyFinder } from '../grants/index.ts';
import type { IdentityPlan, OidcPlan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';
import { verifyKey } from './api-key.ts';
import { credentialOf } from './credential.ts';
import type { Fetch } from './fetch-keys.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import { createTokenMemory } from './token-memory.ts';
import type { Identified, Identifier } from './types.ts';
import { type TrustedIssuer, verifyToken } from './verify-token.ts';

export interface IdentifierOptions {
  readonly identities: readonly IdentityPlan[];
  /** Where API keys are looked up. None: they can't be had. */
  readonly apiKeys?: KeyFinder | undefined;
  /** Secret of `Identity.id`. */
  readonly idKey: Uint8Array;
  readonly clock: Clock;
  /** Default: the platform's own. */
  readonly fetch?: Fetch;
  /** Identifier of an earlier Plan: what it knows of the same issuers goes on. */
  readonly previous?: Identifier;
}

const keysOfIdentifiers = new WeakMap<Identifier, ReadonlyMap<string, TrustedIssuer>>();

/** Finds out who is calling, by the bearer tokens of the Plan's issuers and by API keys. Starts to fetch their keys at once. */
export function createIdentifier(options: IdentifierOptions): Identifier {
  const issuers = trustedIssuers(options);
  const memory = createTokenMemory();
  const pending = new Map<string, Promise<Identified>>();
  const { idKey } = options;
  const ofKeys = options.identities.find((identity) => identity.kind === 'apiKeys');

  const verify = async (token: string, key: string, nowMs: number): Promise<Identified> => {
    try {
      return memory.remember(key, await verifyToken(token, { issuers, idKey, nowMs }), nowMs);
    } finally {
      pending.delete(key);
    }
  };

  const identifier: Identifier = {
    async identify(headers, nowMs) {
      const credential = credentialOf(headers);
      if (credential.kind !== 'bearer') return credential;
      if (ofKeys !== undefined && isKeyText(credential.token))
        return verifyKey(credential.token, { plan: ofKeys, finder: options.apiKeys, idKey, nowMs });
      for (const { keys } of issuers.values()) keys.refreshIfOld();
      const key = hash('sha256', credential.token, 'base64url');
      const known = memory.recall(key, nowMs) ?? pending.get(key);
      if (known !== undefined) return known;
      const work = verify(credential.token, key, nowMs);
      pending.set(key, work);
      return work;
    },
    status: () =>
      options.identities
        .filter(isOidc)
        .flatMap(({ name, issuers: names }) =>
          names.map((issuer) => ({ identity: name, issuer, ...statusOf(issuers, issuer) })),
        ),
  };
  keysOfIdentifiers.set(identifier, issuers);
  return identifier;
}

function isOidc(identity: IdentityPlan): identity is OidcPlan {
  return identity.kind === 'oidc';
}

function trustedIssuers({ clock, ...given }: IdentifierOptions): ReadonlyMap<string, TrustedIssuer> {
  const identities = given.identities.filter(isOidc);
  const { fetch = globalThis.fetch, previous } = given;
  const known = previous === undefined ? undefined : keysOfIdentifiers.get(previous);
  const names = new Set(identities.flatMap((identity) => identity.issuers));
  const trusted = [...names].map((issuer): [string, TrustedIssuer] => [
    issuer,
    {
      plans: identities.filter((identity) => identity.issuers.includes(issuer)),
      keys: known?.get(issuer)?.keys ?? createIssuerKeys({ issuer, clock, fetch }),
    },
  ]);
  return new Map(trusted);
}

function statusOf(issuers: ReadonlyMap<string, TrustedIssuer>, issuer: string) {
  const keys = issuers.get(issuer)?.keys;
  // Who asks for the state wants a present one, also where nobody calls.
  keys?.refreshIfOld();
  return keys?.status() ?? { state: 'unknown' as const, keys: 0 };
}
