import { createMemberships } from '../decision/index.ts';
import {
  createRelays,
  type Identity,
  type IssuerStatus,
  type Relayed,
  type RelayFault,
  type Relays,
  relayFault,
} from '../identity/index.ts';
import { gatewayIssuer } from '../plan/index.ts';
import type { HopPlan, Plan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';
import { assertionBytesMax, chainBytesMax } from '../std/limits.ts';
import { assertionHeader, chainHeader } from './headers.ts';
import type { GateKeys } from './keys.ts';

/** Finds out for whom a caller calls, where it presents another gateway's assertion. */
export interface Relaying {
  /** undefined: for nobody but itself. Never rejects for what a caller sends. */
  read(presented: Presented): Promise<Relayed | RelayFault | undefined>;
  /** Whether that which was read would still be believed of this caller, by the Plan alone. */
  holds(relayed: Relayed, identity: Identity | undefined): boolean;
  status(): readonly IssuerStatus[];
}

export interface Presented {
  /** Raw: name, value, name, value… */
  readonly headers: readonly string[];
  /** Who calls; undefined: not known. */
  readonly identity: Identity | undefined;
  /** The service that is called. */
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface RelayingOptions {
  readonly plan: Plan;
  readonly keys: GateKeys;
  readonly clock: Clock;
  /** That of an earlier Plan: keys of the same gateways go on. */
  readonly previous?: Relaying | undefined;
}

const relaysOf = new WeakMap<Relaying, Relays>();

/** Where the Plan believes no other gateway nothing is read: the fields are removed like all of their names. */
export function createRelaying({ plan, keys, clock, previous }: RelayingOptions): Relaying {
  const { relays: plans, groups } = plan.access;
  if (plans === undefined) return { read: async () => undefined, holds: () => false, status: () => [] };
  const issuer = gatewayIssuer(plan);
  const membershipOf = createMemberships(groups);
  const relays = createRelays({
    relays: plans,
    ownKeys: () => keys.published(),
    clock,
    previous: previous && relaysOf.get(previous),
  });

  const isMember = (identity: Identity | undefined, { groups: named }: HopPlan): boolean => {
    const member = identity && membershipOf(identity).groups;
    return named.some((group) => member?.has(group));
  };

  const relaying: Relaying = {
    /** INVARIANT: no signature is verified for a caller who may present nothing. */
    async read({ headers, identity, service, nowMs }) {
      const texts = textsOf(headers);
      if (texts === undefined || 'kind' in texts) return texts;
      const claimed = relays.claimed(texts.at(-1) ?? '');
      if (claimed.kind === 'fault') return claimed;
      const hop = claimed.relay.hops.find(({ audience }) => audience === claimed.service);
      if (hop === undefined) return relayFault('assertion-audience', 'no service of this name may call on');
      if (!isMember(identity, hop))
        return relayFault('assertion-presenter', `the caller is not in ${hop.groups.join(' or ')}`);
      if (texts.length > claimed.relay.hopsMax)
        return relayFault('chain-too-long', `over ${claimed.relay.hopsMax} services`);
      if (texts.join(',').length > chainBytesMax) return relayFault('chain-too-long', 'its assertions are too large');
      const verified = await relays.verify(texts, claimed.relay, nowMs);
      if (verified.kind === 'fault') return verified;
      const { relayed } = verified;
      const isLoop = relayed.hops.some((each) => each.gateway === issuer && each.service === service);
      return isLoop ? relayFault('chain-loop', `it has been at ${service} already`) : relayed;
    },
    holds({ service, hops }, identity) {
      const bound = (issuer: string | undefined) =>
        plans.find(({ gateways }) => gateways.some((gateway) => gateway.issuer === issuer));
      const relay = bound(hops.at(-1)?.gateway);
      const hop = relay?.hops.find(({ audience }) => audience === service);
      if (relay === undefined || hop === undefined || hops.length > relay.hopsMax) return false;
      return isMember(identity, hop) && hops.every(({ gateway }) => bound(gateway) !== undefined);
    },
    status: () => relays.status(),
  };
  relaysOf.set(relaying, relays);
  return relaying;
}

/** The assertions that a request carries, the oldest first; undefined: none. */
function textsOf(headers: readonly string[]): readonly string[] | RelayFault | undefined {
  const newest = valuesOf(headers, assertionHeader);
  const earlier = valuesOf(headers, chainHeader);
  if (newest.length > 1 || earlier.length > 1) return relayFault('assertion-ambiguous', 'a field is there twice');
  const [assertion] = newest;
  const [chain] = earlier;
  if (assertion === undefined)
    return chain === undefined ? undefined : relayFault('chain-broken', 'earlier assertions without the newest');
  if (assertion.length > assertionBytesMax) return relayFault('assertion-malformed', 'too long');
  if (chain === undefined) return [assertion];
  if (chain.length > chainBytesMax) return relayFault('assertion-malformed', 'earlier ones too long');
  return [...chain.split(','), assertion];
}

function valuesOf(headers: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const field = headers[index] ?? '';
    if (field.length === name.length && field.toLowerCase() === name) values.push(headers[index + 1] ?? '');
  }
  return values;
}
