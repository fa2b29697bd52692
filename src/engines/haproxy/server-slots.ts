import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { addressesOf, mainAddress } from '../../plan/index.ts';
import type { Plan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import type { EndpointStatus, ReplicaState, ReplicasByService } from '../engine.ts';
import { replicaName, serviceBackends } from './names.ts';
import type { RuntimeApi } from './runtime-api.ts';
import type { ServerKind } from './servers.ts';
import { assign, replicaKey, type SlotReplica, type Slots, type SlotsByService } from './slots.ts';
import { serverRows } from './stat-rows.ts';

/** What HAProxy says to an order of ours that it has taken. */
const taken = /^(|(IP changed|no need to change|port changed).*)$/;

interface Service {
  /** From 1. */
  readonly index: number;
  readonly kinds: readonly ServerKind[];
  slots: Slots;
  /** Keys of what slots held before. */
  readonly former: (string | undefined)[];
  /** Addresses that HAProxy's servers have, by kind, as text. */
  readonly addresses: Record<ServerKind, (string | undefined)[]>;
  readonly isReady: Record<ServerKind, boolean[]>;
  /** Keys of replicas that are passed over for a while. */
  ejected: ReadonlySet<string>;
}

export interface ServerSlotsOptions {
  readonly plan: Plan;
  /** What stands in the configuration. */
  readonly slots: SlotsByService;
  readonly api: RuntimeApi;
  readonly log: (line: string) => void;
  /** Other replicas get the calls of a service. */
  readonly onChange: (service: string) => void;
}

/**
 * The servers of one HAProxy process, by service: each is a slot, the same in all backends of the service. Orders of one change go in
 * one batch, those that bring calls first. A server that goes is put into maintenance: what is on its way there goes on, and nothing
 * new comes.
 */
export class ServerSlots {
  readonly #options: ServerSlotsOptions;
  readonly #services: ReadonlyMap<string, Service>;
  /** Changes never overlap. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ServerSlotsOptions) {
    const { plan, slots } = options;
    this.#options = options;
    this.#services = new Map(
      plan.upstreams.map(({ service, endpoints }, position) => {
        const kinds = (['rest', 'grpc'] as const).filter((kind) => endpoints.some((each) => each[kind] !== undefined));
        return [service, serviceAtFirst(position + 1, kinds, slots[service] ?? [])];
      }),
    );
  }

  /** How many slots, and what they hold. */
  get slots(): SlotsByService {
    return Object.fromEntries([...this.#services].map(([service, { slots }]) => [service, slots]));
  }

  /** Spreads calls over these replicas. False: there are too few slots, of some service; the others are done. */
  setReplicas(replicas: ReplicasByService): Promise<boolean> {
    return this.#next(async () => {
      const done = await Promise.all(Object.entries(replicas).map(([service, each]) => this.#set(service, each)));
      return done.every((isDone) => isDone);
    });
  }

  /** Passes these over, by key, and no others of the service. */
  eject(service: string, keys: ReadonlySet<string>): Promise<void> {
    return this.#next(async () => {
      const held = this.#services.get(service);
      if (held === undefined) return;
      held.ejected = keys;
      await this.#order(held, held.slots);
    });
  }

  /** The replicas and what is on its way to each. */
  async endpoints(): Promise<EndpointStatus[]> {
    const inFlight = await this.#inFlight();
    return [...this.#services].flatMap(([service, held]) =>
      held.slots.flatMap((replica, slot) =>
        replica === undefined
          ? []
          : {
              service,
              address: printHostPort(mainAddress(replica)),
              inFlight: inFlight(held.index, slot),
              ...(held.ejected.has(replicaKey(replica)) && { isEjected: true }),
            },
      ),
    );
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #set(service: string, replicas: readonly ReplicaState[]): Promise<boolean> {
    const held = this.#services.get(service);
    if (held === undefined) return true;
    const wanted = await Promise.all(replicas.map((each) => this.#resolved(each)));
    const { former } = held;
    const always = (): boolean => true;
    // Which slots are busy matters only where no other is free.
    const next =
      assign(held.slots, wanted, { former, isBusy: always }) ??
      assign(held.slots, wanted, { former, isBusy: await this.#busy(held) });
    if (next === undefined) return false;
    if (await this.#order(held, next)) this.#options.onChange(service);
    return true;
  }

  async #busy({ index }: Service): Promise<(slot: number) => boolean> {
    const inFlight = await this.#inFlight();
    return (slot) => inFlight(index, slot) > 0;
  }

  /** Calls that have a server, in all backends of its service. */
  async #inFlight(): Promise<(index: number, slot: number) => number> {
    const rows = await serverRows(this.#options.api);
    return (index, slot) => {
      const proxies = serviceBackends(index);
      const own = rows.filter(({ proxy, server }) => server === replicaName(slot + 1) && proxies.includes(proxy));
      return own.reduce((sum, { current }) => sum + current, 0);
    };
  }

  /**
   * HAProxy takes addresses at run time, no names. One that can't be found gets no calls. What a replica lacks is left out here: while
   * replicas differ in what models they have, calls are another's to spread.
   */
  async #resolved(replica: ReplicaState): Promise<SlotReplica> {
    const addresses = addressesOf(replica);
    try {
      for (const { host } of Object.values(addresses)) await ipOf(host);
      return { ...addresses, isUp: replica.isUp };
    } catch (error) {
      this.#options.log(`haproxy: ${error instanceof Error ? error.message : error}: it gets no calls`);
      return { ...addresses, isUp: false };
    }
  }

  /** Whether there was anything to do. */
  async #order(held: Service, next: Slots): Promise<boolean> {
    const { slots: before } = held;
    const orders = await Promise.all(next.map((replica, slot) => ordersOf(held, slot, replica)));
    held.slots = next;
    for (const [slot, replica] of before.entries()) {
      if (replica !== undefined && next[slot] === undefined) held.former[slot] = replicaKey(replica);
    }
    const bringing = orders.flatMap(({ bring }) => bring);
    const taking = orders.flatMap(({ take }) => take);
    const answers = await this.#options.api.batch([...bringing, ...taking]);
    for (const answer of answers) if (!taken.test(answer)) this.#options.log(`haproxy: a server: ${answer}`);
    return orders.some(({ bring, take }) => bring.length + take.length > 0);
  }
}

function serviceAtFirst(index: number, kinds: readonly ServerKind[], slots: Slots): Service {
  const addresses = (kind: ServerKind): (string | undefined)[] =>
    slots.map((replica) => {
      const address = replica?.[kind];
      return address === undefined || isIP(address.host) === 0 ? undefined : printHostPort(address);
    });
  const isReady = (kind: ServerKind): boolean[] => slots.map((each) => each?.[kind] !== undefined && each.isUp);
  return {
    index,
    kinds,
    slots,
    former: slots.map((each) => each && replicaKey(each)),
    addresses: { rest: addresses('rest'), grpc: addresses('grpc') },
    isReady: { rest: isReady('rest'), grpc: isReady('grpc') },
    ejected: new Set(),
  };
}

interface Orders {
  readonly bring: readonly string[];
  readonly take: readonly string[];
}

/** What has to be said of one slot, in each backend of the service; notes it as said. */
async function ordersOf(held: Service, slot: number, replica: SlotReplica | undefined): Promise<Orders> {
  const bring: string[] = [];
  const take: string[] = [];
  const isWanted = replica?.isUp === true && !held.ejected.has(replicaKey(replica));
  for (const kind of held.kinds) {
    const address = replica?.[kind];
    const isReady = address !== undefined && isWanted;
    const was = held.isReady[kind][slot] === true;
    const servers = backendsOf(held.index, kind).map((backend) => `${backend}/${replicaName(slot + 1)}`);
    if (isReady && address !== undefined && !was) {
      const ip = await ipOf(address.host);
      const text = printHostPort({ ...address, host: ip });
      if (held.addresses[kind][slot] !== text) {
        bring.push(...servers.map((server) => `set server ${server} addr ${ip} port ${address.port}`));
        held.addresses[kind][slot] = text;
      }
    }
    if (isReady !== was) {
      const state = isReady ? 'ready' : 'maint';
      (isReady ? bring : take).push(...servers.map((server) => `set server ${server} state ${state}`));
    }
    held.isReady[kind][slot] = isReady;
  }
  return { bring, take };
}

/** Backends of a service that speak it. */
function backendsOf(index: number, kind: ServerKind): string[] {
  return serviceBackends(index).filter((name) => name.startsWith('grpc.') === (kind === 'grpc'));
}

async function ipOf(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}
