import type { AddressPlan } from '../plan/types.ts';

/** One replica, with the work that is on its way to it. */
export interface Endpoint {
  readonly address: AddressPlan;
  /** `127.0.0.1:8501` */
  readonly name: string;
  inFlight: number;
}

export function endpointOf(address: AddressPlan): Endpoint {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return { address, name: `${host}:${address.port}`, inFlight: 0 };
}

/**
 * The endpoint with least work in flight that was not tried yet; among equals the one after `turn`, so that idle ones take
 * turns. undefined: all were tried.
 */
export function leastInFlight(
  endpoints: readonly Endpoint[],
  tried: ReadonlySet<Endpoint>,
  turn: number,
): Endpoint | undefined {
  let best: Endpoint | undefined;
  for (let offset = 0; offset < endpoints.length; offset += 1) {
    const endpoint = endpoints[(turn + offset) % endpoints.length] as Endpoint;
    if (tried.has(endpoint)) continue;
    if (best === undefined || endpoint.inFlight < best.inFlight) best = endpoint;
  }
  return best;
}
