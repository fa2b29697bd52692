import { addressesOf, mainAddress } from '../../plan/index.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import { printHostPort as nameOf } from '../../std/host-port.ts';
import { Ejection, ReplicaMemory, word } from '../../traffic/index.ts';
import type { EndpointStatus, ReplicaState, ReplicasByService } from '../engine.ts';

/** A replica as the workers are told of it. */
export interface RosterEntry extends Omit<ReplicaState, 'lacks'> {
  /** Where the threads count what is known of it. */
  readonly slot: number;
  /** `finance-prod/3`, `finance-prod`. */
  readonly lacks: readonly string[];
}

export type RosterByService = Readonly<Record<string, readonly RosterEntry[]>>;

interface Held {
  readonly service: string;
  readonly key: string;
  isListed: boolean;
}

/**
 * Which replicas there are and where each is counted: kept by the main thread, told to all workers. A replica is known by its main
 * address, for both protocols. What control has said of a service holds until it says otherwise; until then, what the Plan says.
 */
export class Roster {
  readonly #memory: ReplicaMemory;
  readonly #ejection: Ejection;
  readonly #pushed = new Map<string, readonly ReplicaState[]>();
  /** By slot. */
  readonly #held: (Held | undefined)[] = [];
  readonly #slots = new Map<string, number>();
  /** By service: ejections of replicas whose slot is another's by now. */
  readonly #departed = new Map<string, number>();
  #current: ReadonlyMap<string, readonly RosterEntry[]> = new Map();

  constructor(memory: SharedArrayBuffer) {
    this.#memory = new ReplicaMemory(memory);
    this.#ejection = new Ejection(this.#memory);
  }

  get all(): RosterByService {
    return Object.fromEntries(this.#current);
  }

  /** What a Plan would make of it. Throws where replicas are too many. */
  planned({ upstreams }: Plan): RosterByService {
    return Object.fromEntries(
      upstreams.map((upstream) => {
        const { service } = upstream;
        return [service, this.#entriesOf(service, this.#pushed.get(service) ?? plannedReplicas(upstream))];
      }),
    );
  }

  /** Takes up what was planned, once the workers have. */
  take(planned: RosterByService): void {
    for (const service of this.#pushed.keys()) if (!Object.hasOwn(planned, service)) this.#pushed.delete(service);
    this.#list(new Map(Object.entries(planned)));
  }

  /** Takes up what control says of services that there are; the part of the roster that workers have to hear of. */
  push(replicas: ReplicasByService): RosterByService {
    const next = new Map(this.#current);
    for (const [service, states] of Object.entries(replicas)) {
      const before = next.get(service);
      if (before === undefined) continue;
      const entries = this.#entriesOf(service, states);
      const known = new Map(before.map((entry) => [entry.slot, entry]));
      // Whoever looked says that it is well again, or has more than it had.
      for (const entry of entries) if (isMended(known.get(entry.slot), entry)) this.#ejection.forgive(entry.slot);
      this.#pushed.set(service, states);
      next.set(service, entries);
    }
    this.#list(next);
    return Object.fromEntries([...next].filter(([service]) => Object.hasOwn(replicas, service)));
  }

  /** A thread that is no more has nothing in flight. */
  forget(thread: number): void {
    this.#memory.forget(thread);
  }

  status(): EndpointStatus[] {
    return [...this.#current].flatMap(([service, entries]) =>
      entries.map((entry) => ({
        service,
        address: nameOf(mainAddress(entry)),
        inFlight: this.#memory.get(entry.slot, word.inFlight),
        ...(this.#ejection.isEjected(entry.slot) && { isEjected: true }),
      })),
    );
  }

  /** How often replicas of a service were passed over since the start; also of those that are gone. */
  ejections(service: string): number {
    let sum = this.#departed.get(service) ?? 0;
    for (const [slot, held] of this.#held.entries())
      if (held?.service === service) sum += this.#ejection.ejections(slot);
    return sum;
  }

  #entriesOf(service: string, states: readonly ReplicaState[]): RosterEntry[] {
    return states.map((state) => ({
      ...state,
      slot: this.#slotOf(service, `${service} ${nameOf(mainAddress(state))}`),
    }));
  }

  #slotOf(service: string, key: string): number {
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = this.#freeSlot();
    this.#memory.clear(slot);
    this.#held[slot] = { service, key, isListed: false };
    this.#slots.set(key, slot);
    return slot;
  }

  /** Never used, or its replica is gone and has nothing in flight. */
  #freeSlot(): number {
    if (this.#held.length < this.#memory.slots) return this.#held.length;
    const slot = this.#held.findIndex(
      (held, index) => held?.isListed !== true && this.#memory.get(index, word.inFlight) === 0,
    );
    const held = this.#held[slot];
    if (held === undefined) throw new Error(`more than ${this.#memory.slots} replicas`);
    this.#slots.delete(held.key);
    this.#departed.set(held.service, (this.#departed.get(held.service) ?? 0) + this.#ejection.ejections(slot));
    return slot;
  }

  #list(current: ReadonlyMap<string, readonly RosterEntry[]>): void {
    this.#current = current;
    const listed = new Set([...current.values()].flat().map(({ slot }) => slot));
    for (const [slot, held] of this.#held.entries()) if (held !== undefined) held.isListed = listed.has(slot);
  }
}

function isMended(before: RosterEntry | undefined, { isUp, lacks }: RosterEntry): boolean {
  return before !== undefined && isUp && (!before.isUp || lacks.length < before.lacks.length);
}

/** Before control has said anything: a name has no addresses yet, and with `health` nobody is up. */
function plannedReplicas({ endpoints, health }: UpstreamPlan): ReplicaState[] {
  const isUp = health === undefined;
  return endpoints.filter(({ dns }) => dns !== true).map((endpoint) => ({ ...addressesOf(endpoint), isUp, lacks: [] }));
}
