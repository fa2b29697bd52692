/** What balancing looks at: the work that is on its way to a replica. */
export interface Loaded {
  readonly inFlight: number;
}

/**
 * The replica with least work in flight that was not tried yet; among equals the one after `turn`, so that idle ones take
 * turns. undefined: all were tried.
 */
export function leastInFlight<T extends Loaded>(
  replicas: readonly T[],
  tried: readonly T[],
  turn: number,
): T | undefined {
  let best: T | undefined;
  for (let offset = 0; offset < replicas.length; offset += 1) {
    const replica = replicas[(turn + offset) % replicas.length] as T;
    if (best !== undefined && replica.inFlight >= best.inFlight) continue;
    if (tried.length === 0 || !tried.includes(replica)) best = replica;
  }
  return best;
}
