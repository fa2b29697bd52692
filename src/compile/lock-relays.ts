import type { AccessPlan } from '../plan/index.ts';

/** Who is believed about whom a call is made for: a line for each gateway, and one for each service that may call on. */
export function relayLines({ relays = [] }: AccessPlan): readonly string[] {
  return relays.flatMap(({ name, gateways, hops, hopsMax }) => [
    // Without keys it is the gateway itself.
    ...gateways.map(({ issuer, keys }) => `relay ${name} gateway ${issuer}; keys ${keys ?? 'its own'}`),
    ...hops.map(
      ({ audience, groups }) =>
        `relay ${name} service ${audience} calls on as ${groups.join(' or ')}; at most ${hopsMax} between`,
    ),
  ]);
}
