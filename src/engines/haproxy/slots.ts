import { addressesOf } from '../../plan/index.ts';
import type { AddressesPlan, Plan, UpstreamPlan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import type { ReplicaState, ReplicasByService } from '../engine.ts';

/** Slots of a service at least: so many replicas can come before a new process is needed. */
const slotsMin = 8;
/** Slots that are free at first, at most; as many as there are replicas, else. */
const spareMax = 64;

/** A replica as a slot holds it. */
export interface SlotReplica extends AddressesPlan {
  /** It gets calls. */
  readonly isUp: boolean;
}

/** Slots of a service: HAProxy's servers, which can't be added on 2.6, only given another address. Undefined: free. */
export type Slots = readonly (SlotReplica | undefined)[];
export type SlotsByService = Readonly<Record<string, Slots>>;

/** What stands in the Plan: names are resolved by control, and what is polled starts as not up. */
export function plannedReplicas({ endpoints, health }: UpstreamPlan): ReplicaState[] {
  return endpoints
    .filter(({ dns }) => dns !== true)
    .map((endpoint) => ({ ...addressesOf(endpoint), isUp: health === undefined, lacks: [] }));
}

/** Slots of a process that is to be started: the replicas that are known, else those of the Plan, then free ones. */
export function slotsFor({ upstreams }: Plan, known: ReplicasByService = {}): SlotsByService {
  return Object.fromEntries(
    upstreams.map((upstream) => {
      const replicas = known[upstream.service] ?? plannedReplicas(upstream);
      const count = Math.max(slotsMin, replicas.length + Math.min(replicas.length, spareMax));
      return [upstream.service, Array.from({ length: count }, (_, index) => replicas[index])];
    }),
  );
}

/** As many slots, all of them free: what of them is structure. */
export function emptied(slots: SlotsByService): SlotsByService {
  return Object.fromEntries(
    Object.entries(slots).map(([service, each]) => [service, Array.from(each, () => undefined)]),
  );
}

/** Tells replicas apart. */
export function replicaKey({ rest, grpc }: AddressesPlan): string {
  return `${rest === undefined ? '-' : printHostPort(rest)} ${grpc === undefined ? '-' : printHostPort(grpc)}`;
}

/** What a slot held before, where it did: connections to it may live on. */
export type Former = readonly (string | undefined)[];

/**
 * Gives each replica a slot: the one that it has; else one that it had, one that nobody had, or one whose last call has ended (`isBusy`
 * says where not). A slot that is left now is given to nobody yet. Undefined: there are too few.
 */
export function assign(
  slots: Slots,
  replicas: readonly SlotReplica[],
  { former, isBusy }: { readonly former: Former; readonly isBusy: (index: number) => boolean },
): Slots | undefined {
  const wanted = new Map(replicas.map((replica) => [replicaKey(replica), replica]));
  const next: (SlotReplica | undefined)[] = slots.map((held) => {
    const key = held === undefined ? '' : replicaKey(held);
    const found = wanted.get(key);
    wanted.delete(key);
    return found;
  });
  const free = new Set(slots.flatMap((held, index) => (held === undefined ? [index] : [])));
  for (const [key, replica] of wanted) {
    const candidates = [...free];
    const index =
      candidates.find((each) => former[each] === key) ??
      candidates.find((each) => former[each] === undefined) ??
      candidates.find((each) => !isBusy(each));
    if (index === undefined) return undefined;
    free.delete(index);
    next[index] = replica;
  }
  return next;
}
