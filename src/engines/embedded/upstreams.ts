import { Pool } from 'undici';
import type { Plan } from '../../plan/types.ts';
import { bodyBytesMax, connectTimeoutMs, upstreamTimeoutMs } from '../../std/limits.ts';
import { type Endpoint, endpointOf, leastInFlight } from '../../traffic/index.ts';

/** A replica and the connections to it. */
export interface Replica {
  readonly endpoint: Endpoint;
  readonly pool: Pool;
}

/** Connections to the replicas of every service of a Plan. */
export class Upstreams {
  readonly #services: ReadonlyMap<string, readonly Replica[]>;
  #turn = 0;

  constructor(plan: Plan) {
    this.#services = new Map(
      plan.upstreams.map(({ service, endpoints }) => [service, endpoints.map(({ rest }) => replica(endpointOf(rest)))]),
    );
  }

  /** The replica with least work that was not tried yet. */
  pick(service: string, tried: ReadonlySet<Endpoint>): Replica | undefined {
    const replicas = this.#services.get(service) ?? [];
    this.#turn += 1;
    const best = leastInFlight(
      replicas.map(({ endpoint }) => endpoint),
      tried,
      this.#turn,
    );
    return replicas.find(({ endpoint }) => endpoint === best);
  }

  status(): { service: string; address: string; inFlight: number }[] {
    return [...this.#services].flatMap(([service, replicas]) =>
      replicas.map(({ endpoint }) => ({ service, address: endpoint.name, inFlight: endpoint.inFlight })),
    );
  }

  async close(): Promise<void> {
    const pools = [...this.#services.values()].flat();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }
}

function replica(endpoint: Endpoint): Replica {
  const pool = new Pool(`http://${endpoint.name}`, {
    connect: { timeout: connectTimeoutMs },
    headersTimeout: upstreamTimeoutMs,
    bodyTimeout: upstreamTimeoutMs,
    maxResponseSize: bodyBytesMax,
    pipelining: 1,
  });
  return { endpoint, pool };
}
