import type { AddressPlan, UpstreamPlan } from '../../plan/types.ts';
import { leastInFlight } from '../../traffic/index.ts';
import { replicaConnectionsMax } from './limits.ts';

/** What calls are spread over. */
export interface Target {
  /** `127.0.0.1:8501` */
  readonly name: string;
  readonly inFlight: number;
  /** Calls in flight go on to their end. */
  close(): void;
}

type Endpoint = UpstreamPlan['endpoints'][number];

/** The replicas of every service, of one kind. */
export class ReplicaSets<T extends Target> {
  readonly #make: (endpoint: Endpoint) => T | undefined;
  #services: ReadonlyMap<string, readonly T[]> = new Map();
  #turn = 0;

  /** `make`: undefined where the endpoint has no address of this kind. It dials nothing yet. */
  constructor(make: (endpoint: Endpoint) => T | undefined) {
    this.#make = make;
  }

  /** Takes up a Plan's replicas; those that stay keep their connections, those that go end with their last call. */
  apply(upstreams: readonly UpstreamPlan[]): void {
    const before = this.#services;
    this.#services = new Map(
      upstreams.map(({ service, endpoints }) => {
        const known = new Map(before.get(service)?.map((replica) => [replica.name, replica]));
        const wanted = endpoints.map(this.#make).filter((replica) => replica !== undefined);
        return [service, wanted.map((replica) => known.get(replica.name) ?? replica)];
      }),
    );
    const staying = new Set([...this.#services.values()].flat());
    for (const replica of [...before.values()].flat()) if (!staying.has(replica)) replica.close();
  }

  /** The replica with least work that was not tried yet. */
  pick(service: string, tried: readonly T[]): T | undefined {
    const replicas = this.#services.get(service);
    if (replicas === undefined) return undefined;
    this.#turn = (this.#turn + 1) % 0x3fff_ffff;
    const best = leastInFlight(replicas, tried, this.#turn);
    return best === undefined || best.inFlight >= replicaConnectionsMax ? undefined : best;
  }

  status(): { service: string; address: string; inFlight: number }[] {
    return [...this.#services].flatMap(([service, replicas]) =>
      replicas.map(({ name, inFlight }) => ({ service, address: name, inFlight })),
    );
  }

  close(): void {
    this.apply([]);
  }
}

export function nameOf({ host, port }: AddressPlan): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
