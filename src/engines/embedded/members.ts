import { mainAddress, trafficOf } from '../../plan/index.ts';
import type { AddressPlan, ServicePlan, UpstreamPlan } from '../../plan/types.ts';
import { printHostPort as nameOf } from '../../std/host-port.ts';
import { Ejection, pointOfText, ReplicaMemory, type Standing, word } from '../../traffic/index.ts';
import type { RosterByService, RosterEntry } from './roster.ts';

export interface MembersOptions {
  /** Shared by the threads of the engine. */
  readonly memory: SharedArrayBuffer;
  /** Which of them this is, from 0. */
  readonly thread: number;
  /** Of a clock that they share. */
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}

/** One service's replicas, and how its calls are spread. */
export interface Group {
  readonly members: readonly Member[];
  /** Whether any of them lacks anything. */
  readonly isPartial: boolean;
  /** Field that names a call's sequence, of models that keep one. */
  sequenceField(model: string): string | undefined;
  /** Numbers of the versions that the policy names of the model; undefined: it names none. */
  versionsOf(model: string): readonly number[] | undefined;
}

/** What a thread knows of all replicas, for both protocols: their standing and their work are counted over all threads. */
export class Members {
  readonly #shared: Shared;
  #groups = new Map<string, Group>();
  #upstreams: readonly UpstreamPlan[] = [];
  #services: readonly ServicePlan[] = [];

  constructor(options: MembersOptions) {
    const memory = new ReplicaMemory(options.memory);
    this.#shared = { ...options, memory, ejection: new Ejection(memory) };
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** Takes up a Plan's services with the replicas that they have. */
  replace(roster: RosterByService, upstreams: readonly UpstreamPlan[], services: readonly ServicePlan[]): void {
    this.#upstreams = upstreams;
    this.#services = services;
    const names = upstreams.map(({ service }) => service);
    this.#groups = new Map(names.map((name) => [name, this.#groupOf(name, roster[name] ?? [])]));
  }

  /** Other replicas for some of the services. */
  merge(roster: RosterByService): void {
    for (const [service, entries] of Object.entries(roster)) {
      if (this.#groups.has(service)) this.#groups.set(service, this.#groupOf(service, entries));
    }
  }

  #groupOf(service: string, entries: readonly RosterEntry[]): Group {
    const known = new Map(this.#groups.get(service)?.members.map((member) => [member.slot, member]));
    const slots = entries.map(({ slot }) => slot);
    const upstream = this.#upstreams.find((each) => each.service === service);
    const versions = this.#services.find(({ name }) => name === service)?.versions ?? {};
    const numbers = new Map(Object.entries(versions).map(([model, list]) => [model, list.map(({ number }) => number)]));
    const traffic = upstream && trafficOf(upstream);
    const members = entries.map((entry) => {
      const before = known.get(entry.slot);
      const stays = before !== undefined && before.name === nameOf(mainAddress(entry));
      const member = stays ? before : new Member(this.#shared, service, entry);
      member.update(entry, slots);
      return member;
    });
    return {
      members,
      isPartial: members.some(({ lacks }) => lacks.size > 0),
      sequenceField: (model) => traffic?.model(model).sequence?.header,
      versionsOf: (model) => numbers.get(model),
    };
  }
}

interface Shared extends Omit<MembersOptions, 'memory'> {
  readonly memory: ReplicaMemory;
  readonly ejection: Ejection;
}

/** One replica, as one thread sees it. */
export class Member {
  /** By which it is known: its main address. */
  readonly name: string;
  readonly slot: number;
  /** Of its name, for sequences. */
  readonly point: number;
  rest: AddressPlan | undefined;
  grpc: AddressPlan | undefined;
  isUp = false;
  lacks: ReadonlySet<string> = new Set();
  readonly #shared: Shared;
  readonly #service: string;
  /** Of all replicas of its service. */
  #slots: readonly number[] = [];

  constructor(shared: Shared, service: string, entry: RosterEntry) {
    this.#shared = shared;
    this.#service = service;
    this.name = nameOf(mainAddress(entry));
    this.slot = entry.slot;
    this.point = pointOfText(this.name);
  }

  update({ rest, grpc, isUp, lacks }: RosterEntry, slots: readonly number[]): void {
    this.rest = rest;
    this.grpc = grpc;
    this.isUp = isUp;
    if (lacks.length > 0 || this.lacks.size > 0) this.lacks = new Set(lacks);
    this.#slots = slots;
  }

  /** Of all threads, over both protocols. */
  get inFlight(): number {
    return this.#shared.memory.get(this.slot, word.inFlight);
  }

  get standing(): Standing {
    return this.#shared.ejection.standing(this.slot, this.#shared.nowMs);
  }

  /** Takes the one call that tries whether it is well again; false where another was faster. */
  claim(): boolean {
    return this.#shared.ejection.claim(this.slot, this.#shared.nowMs());
  }

  /** A call goes to it for want of a better one. */
  risk(): void {
    this.#shared.ejection.risk(this.slot);
  }

  begin(): void {
    this.#shared.memory.begin(this.slot, this.#shared.thread);
  }

  end(): void {
    this.#shared.memory.end(this.slot, this.#shared.thread);
  }

  /** It answered, and not that it can't. */
  succeeded(): void {
    const { ejection, nowMs, log } = this.#shared;
    if (ejection.succeeded(this.slot, nowMs())) log(`${this.#service}: replica ${this.name} is used again`);
  }

  /** It couldn't be reached, broke off before its answer, or answered 502, 503, 504 or UNAVAILABLE. */
  failed(): void {
    const { ejection, nowMs, log } = this.#shared;
    const forMs = ejection.failed(this.slot, this.#slots, nowMs());
    if (forMs === undefined) return;
    log(`${this.#service}: replica ${this.name} failed too often, it is passed over for ${forMs / 1000} s`);
  }
}
