import { Client } from 'undici';
import type { Permit } from '../../gate/index.ts';
import type { AddressPlan, UpstreamPlan } from '../../plan/types.ts';
import { bodyBytesMax, connectTimeoutMs, keepAliveTimeoutMs, upstreamTimeoutMs } from '../../std/limits.ts';
import { leastInFlight } from '../../traffic/index.ts';
import { idleClientsMax, replicaConnectionsMax } from './limits.ts';

type Dispatch = Parameters<Client['dispatch']>;

/** A replica and the connections to it: undici clients of one call at a time, in a free list of our own (leaner than its Pool). */
export class Replica {
  /** `127.0.0.1:8501` */
  readonly name: string;
  inFlight = 0;
  readonly #idle: Client[] = [];
  #isClosed = false;

  constructor({ host, port }: AddressPlan) {
    this.name = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /**
   * Dials, or takes a connection that is open. The one place where an upstream is reached, and it asks for a Permit.
   * The client goes back by `done`, once for each dispatch.
   */
  dispatch(_permit: Permit, options: Dispatch[0], handler: Dispatch[1]): Client {
    this.inFlight += 1;
    const client = this.#idle.pop() ?? this.#connect();
    client.dispatch(options, handler);
    return client;
  }

  done(client: Client): void {
    this.inFlight -= 1;
    if (this.#isClosed || this.#idle.length >= idleClientsMax) void client.close();
    else this.#idle.push(client);
  }

  /** Calls in flight go on to their end. */
  close(): void {
    this.#isClosed = true;
    for (const client of this.#idle.splice(0)) void client.close();
  }

  #connect(): Client {
    return new Client(`http://${this.name}`, {
      connectTimeout: connectTimeoutMs,
      // The same for both: then undici keeps one timer for both.
      headersTimeout: upstreamTimeoutMs,
      bodyTimeout: upstreamTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxResponseSize: bodyBytesMax,
      pipelining: 1,
    });
  }
}

/** The replicas of every service. */
export class Upstreams {
  #services: ReadonlyMap<string, readonly Replica[]> = new Map();
  #turn = 0;

  /** Takes up a Plan's replicas; those that stay keep their connections, those that go end with their last call. */
  apply(upstreams: readonly UpstreamPlan[]): void {
    const before = this.#services;
    this.#services = new Map(
      upstreams.map(({ service, endpoints }) => {
        const known = new Map(before.get(service)?.map((replica) => [replica.name, replica]));
        const wanted = endpoints.map(({ rest }) => new Replica(rest));
        return [service, wanted.map((replica) => known.get(replica.name) ?? replica)];
      }),
    );
    const staying = new Set([...this.#services.values()].flat());
    for (const replica of [...before.values()].flat()) if (!staying.has(replica)) replica.close();
  }

  /** The replica with least work that was not tried yet. */
  pick(service: string, tried: readonly Replica[]): Replica | undefined {
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
