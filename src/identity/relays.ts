import type { RelayPlan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';
import { relayedChainsMax } from '../std/limits.ts';
import { createRemembered } from '../std/remembered.ts';
import { type Fetch, fetchKeySet } from './fetch-keys.ts';
import type { IssuerKey } from './issuer-key.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { assertionHash, readLink } from './read-link.ts';
import { readToken } from './read-token.ts';
import { type Relayed, type RelayFault, relayFault } from './relay-types.ts';
import type { IssuerStatus } from './types.ts';
import { verifyChain } from './verify-chain.ts';

/** What other gateways say of who a call is made for. */
export interface Relays {
  /** Which binding an assertion falls under, and for which service it says it was made. Nothing of it is proven yet. */
  claimed(text: string): Claimed | RelayFault;
  /** `texts`: the oldest first. `relay`: that of the newest. Never rejects for what a caller sends. */
  verify(texts: readonly string[], relay: RelayPlan, nowMs: number): Promise<VerifiedRelay | RelayFault>;
  status(): readonly IssuerStatus[];
}

export interface Claimed {
  readonly kind: 'claimed';
  readonly relay: RelayPlan;
  readonly service: string;
}

export interface VerifiedRelay {
  readonly kind: 'relayed';
  readonly relayed: Relayed;
}

export interface RelaysOptions {
  readonly relays: readonly RelayPlan[];
  /** Entries of this gateway's own key set. */
  readonly ownKeys: () => readonly unknown[];
  readonly clock: Clock;
  /** Default: the platform's own. */
  readonly fetch?: Fetch;
  /** Those of an earlier Plan: keys of the same gateways go on. */
  readonly previous?: Relays | undefined;
}

interface Gateway {
  readonly relay: RelayPlan;
  /** URL of the key set; undefined: our own. */
  readonly url: string | undefined;
  readonly keys: IssuerKeys;
}

const gatewaysOfRelays = new WeakMap<Relays, ReadonlyMap<string, Gateway>>();

/** Reads assertions of the Plan's gateways. Starts to fetch their keys at once. */
export function createRelays(options: RelaysOptions): Relays {
  const known = gatewaysOf(options);
  const gateways = new Map([...known].map(([issuer, { keys }]) => [issuer, keys] as const));
  const verified = createRemembered<{ readonly relayed: Relayed; readonly keys: readonly IssuerKey[] }>(
    relayedChainsMax,
  );
  const relays: Relays = {
    claimed(text) {
      const token = readToken(text);
      if (token.kind === 'fault') return relayFault('assertion-malformed', token.detail);
      const link = readLink(token);
      if (link.kind === 'fault') return link;
      const gateway = known.get(link.gateway);
      if (gateway === undefined) return relayFault('assertion-issuer', 'gateway is not believed');
      return { kind: 'claimed', relay: gateway.relay, service: link.service };
    },
    async verify(texts, { skewSeconds }, nowMs) {
      for (const keys of gateways.values()) keys.refreshIfOld();
      const key = assertionHash(texts.join(','));
      const before = verified.get(key);
      if (before !== undefined && nowMs < before.relayed.endsAtMs && !before.keys.some((each) => each.isRetired))
        return { kind: 'relayed', relayed: before.relayed };
      const found = await verifyChain(texts, { gateways, skewSeconds, nowMs });
      if (found.kind === 'fault') return found;
      verified.set(key, found);
      return { kind: 'relayed', relayed: found.relayed };
    },
    status: () =>
      [...known].map(([issuer, { relay, keys }]) => {
        keys.refreshIfOld();
        return { identity: relay.name, issuer, ...keys.status() };
      }),
  };
  gatewaysOfRelays.set(relays, known);
  return relays;
}

function gatewaysOf({ relays, ownKeys, clock, fetch = globalThis.fetch, previous }: RelaysOptions) {
  const before = previous === undefined ? undefined : gatewaysOfRelays.get(previous);
  const gateways = relays.flatMap((relay) => relay.gateways.map((gateway) => ({ relay, ...gateway })));
  return new Map<string, Gateway>(
    gateways.map(({ relay, issuer, keys: url }) => {
      const same = before?.get(issuer);
      const entries = async (): Promise<readonly unknown[]> =>
        url === undefined ? ownKeys() : fetchKeySet(url, fetch);
      const keys = same?.url === url ? same?.keys : undefined;
      return [issuer, { relay, url, keys: keys ?? createIssuerKeys({ issuer, clock, fetch, entries }) }];
    }),
  );
}
