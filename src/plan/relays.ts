import { assertionHeader, chainHeader } from './identity-headers.ts';
import type { AccessPlan, Plan } from './types.ts';

/** `iss` of this gateway's assertions: a name, not an address, because the key set may be read at several. */
export function gatewayIssuer({ environment, gateway }: Pick<Plan, 'environment' | 'gateway'>): string {
  return `urn:headgate:${environment}${gateway === undefined ? '' : `:${gateway}`}`;
}

/** Fields that say who a call is made for. They join the key of a kept decision wherever any gateway is believed. */
export const relayedHeaders = [assertionHeader, chainHeader] as const;

/** The first thing that does not hold of what other gateways may say, as a sentence. */
export function brokenRelays(access: AccessPlan): string | undefined {
  const { relays, groups, services, reads } = access;
  if (relays === undefined) return undefined;
  if (relays.length === 0) return 'access.relays is empty';
  const names = [...access.identities, ...relays].map(({ name }) => name);
  if (new Set(names).size !== names.length) return 'a relay and an identity have one name';
  const issuers = relays.flatMap(({ gateways }) => gateways.map(({ issuer }) => issuer));
  if (new Set(issuers).size !== issuers.length) return 'a gateway is bound twice';
  const known = new Set(groups.map(({ name }) => name));
  const stranger = relays.flatMap(({ hops }) => hops.flatMap((hop) => hop.groups)).find((name) => !known.has(name));
  if (stranger !== undefined) return `a hop names the unknown group ${stranger}`;
  const blind = services.find(({ name }) => relayedHeaders.some((field) => !reads[name]?.headers.includes(field)));
  return blind && `access.reads.${blind.name} lacks the assertion of other gateways`;
}
