import type { ReplicaState, ReplicasByService, RunningEngine } from '../engines/engine.ts';
import { addressesOf, mainAddress } from '../plan/index.ts';
import type { AddressesPlan, EndpointPlan, Plan, ServicePlan, UpstreamPlan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';
import { printHostPort } from '../std/host-port.ts';
import type { HealthTarget, ReplicaView } from '../traffic/index.ts';
import { messageOf } from './fault.ts';
import { HealthPoller } from './health.ts';
import { type NameStatus, Names } from './resolve.ts';

/** Changes are told to the engine together, so often at most. */
const tellPauseMs = 100;
/** How long the start waits for names to be resolved and replicas to answer. */
export const firstLookMsMax = 3000;

/** One replica, as `headgate status` shows it. */
export interface ReplicaStatus {
  readonly service: string;
  /** By which it is known: of REST, else of gRPC. */
  readonly address: string;
  readonly grpc?: string;
  /** `unchecked`: its service has no `health`. */
  readonly state: 'up' | 'down' | 'unknown' | 'unchecked';
  /** ISO 8601; of `up`, `down` and `unknown`. */
  readonly since?: string;
  /** Why it is down. */
  readonly why?: string;
  /** What it should have soon; the longest waited for first, ten at most, of `waits`. */
  readonly waitsFor: readonly { readonly what: string; readonly since: string; readonly loading: boolean }[];
  readonly waits: number;
  /** Models that it hasn't been asked for yet, and those that it doesn't have. */
  readonly unasked: number;
  readonly without: number;
}

export interface ReplicasStatus {
  readonly replicas: readonly ReplicaStatus[];
  readonly names: readonly NameStatus[];
}

export interface ReplicaWatchOptions {
  readonly running: Pick<RunningEngine, 'setReplicas'>;
  readonly plan: Plan;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Asked for names instead of the machine's own: `127.0.0.1:5353`. */
  readonly dnsServers?: readonly string[] | undefined;
}

type Endpoints = Map<string, AddressesPlan>;

/** Which replicas there are, and how they are: from the Plan, from DNS, from polling them. The engine hears of each change. */
export class ReplicaWatch {
  readonly #options: ReplicaWatchOptions;
  readonly #names: Names;
  readonly #poller: HealthPoller;
  /** By service, as text: what the engine was told last. */
  readonly #told = new Map<string, string>();
  #plan: Plan;
  #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** One after the other. */
  #telling: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: ReplicaWatchOptions) {
    const { clock, log, dnsServers } = options;
    this.#options = options;
    this.#plan = options.plan;
    const onName = (name: string): void => this.#onName(name);
    this.#names = new Names({ clock, log, onChange: onName, ...(dnsServers && { servers: dnsServers }) });
    this.#poller = new HealthPoller({ nowMs: () => performance.now(), onChange: () => this.#soon(), log });
  }

  /** Looks for the first time; the engine knows what was found when this returns, `firstLookMsMax` later at most. */
  async start(): Promise<void> {
    const endMs = performance.now() + firstLookMsMax;
    await Promise.race([this.#names.watch(namesOf(this.#plan)), pause(firstLookMsMax)]);
    this.#retarget();
    while (!this.#poller.book.isSettled && performance.now() < endMs) await pause(20);
    await this.#tellAll();
  }

  /** A Plan that is in force now, or differs from it in its endpoints alone. Rejects where the engine can't spread calls so. */
  async takeUp(plan: Plan): Promise<void> {
    this.#plan = plan;
    await Promise.race([this.#names.watch(namesOf(plan)), pause(firstLookMsMax)]);
    this.#retarget();
    await this.#tellAll();
  }

  status(): ReplicasStatus {
    const views = new Map(this.#poller.book.view().map((view) => [`${view.service} ${view.replica}`, view]));
    const { now } = this.#options.clock;
    const sinceOf = (ms: number): string => new Date(now() - (performance.now() - ms)).toISOString();
    const replicas = this.#plan.upstreams.flatMap((upstream) =>
      [...this.#endpointsOf(upstream)].map(([address, { grpc }]) => {
        const at = { service: upstream.service, address, ...(grpc && { grpc: printHostPort(grpc) }) };
        return { ...at, ...statusOf(views.get(`${upstream.service} ${address}`), sinceOf) };
      }),
    );
    return { replicas, names: this.#names.status() };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#names.stop();
    this.#poller.stop();
    await this.#telling.catch(() => undefined);
  }

  #onName(name: string): void {
    for (const { service, endpoints } of this.#plan.upstreams) {
      const isOf = ({ rest, grpc, dns }: EndpointPlan): boolean =>
        dns === true && (rest?.host === name || grpc?.host === name);
      if (endpoints.some(isOf)) this.#changed.add(service);
    }
    this.#retarget();
    this.#soon();
  }

  /** What is to be polled. */
  #retarget(): void {
    const { upstreams, access } = this.#plan;
    const targets = upstreams.flatMap((upstream): HealthTarget[] => {
      const { service, health } = upstream;
      if (health === undefined) return [];
      const known = access.services.find(({ name }) => name === service);
      const replicas = [...this.#endpointsOf(upstream).keys()];
      return [
        { service, health, models: modelsOf(known), replicas, ...(known?.protocol === 'grpc' && { isGrpc: true }) },
      ];
    });
    this.#poller.take(targets);
  }

  #soon(): void {
    for (const service of this.#poller.book.takeChanged()) this.#changed.add(service);
    if (this.#changed.size === 0 || this.#isStopped) return;
    const pauseMs = Math.max(0, this.#toldMs + tellPauseMs - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#toldMs = performance.now();
      const changed = this.#changed;
      this.#changed = new Set();
      this.#tell(changed).catch((fault: unknown) => {
        // It is told again with the next change; nothing else is known that would help.
        for (const service of changed) this.#told.delete(service);
        this.#options.log(`the engine could not take up a change of replicas: ${messageOf(fault)}`);
      });
    }, pauseMs);
  }

  #tellAll(): Promise<void> {
    this.#poller.book.takeChanged();
    this.#changed.clear();
    this.#told.clear();
    return this.#tell(new Set(this.#plan.upstreams.map(({ service }) => service)));
  }

  #tell(services: ReadonlySet<string>): Promise<void> {
    const telling = this.#telling.catch(() => undefined).then(() => this.#tellNow(services));
    this.#telling = telling;
    return telling;
  }

  async #tellNow(services: ReadonlySet<string>): Promise<void> {
    const replicas: Record<string, readonly ReplicaState[]> = {};
    for (const upstream of this.#plan.upstreams) {
      if (!services.has(upstream.service)) continue;
      const states = this.#statesOf(upstream);
      const text = JSON.stringify(states);
      if (this.#told.get(upstream.service) === text) continue;
      this.#told.set(upstream.service, text);
      replicas[upstream.service] = states;
    }
    if (Object.keys(replicas).length === 0) return;
    await this.#options.running.setReplicas?.(replicas satisfies ReplicasByService);
  }

  #statesOf(upstream: UpstreamPlan): ReplicaState[] {
    return [...this.#endpointsOf(upstream)].map(([name, addresses]) => {
      const state = this.#poller.book.stateOf(upstream.service, name);
      const otherwise = { isUp: upstream.health === undefined, lacks: [] };
      return { ...addresses, ...(state ?? otherwise) };
    });
  }

  /** By their main address. Each address of a name is a replica. */
  #endpointsOf({ endpoints }: UpstreamPlan): Endpoints {
    const all: Endpoints = new Map();
    for (const endpoint of endpoints) {
      const addresses = addressesOf(endpoint);
      const main = mainAddress(addresses);
      if (endpoint.dns !== true) all.set(printHostPort(main), addresses);
      else for (const host of this.#names.addressesOf(main.host)) add(all, addresses, host);
    }
    return all;
  }
}

/** A replica at one address of its name, which is the same for both of its protocols. */
function add(all: Endpoints, { rest, grpc }: AddressesPlan, host: string): void {
  const addresses = { ...(rest && { rest: { ...rest, host } }), ...(grpc && { grpc: { ...grpc, host } }) };
  all.set(printHostPort(mainAddress(addresses)), addresses);
}

function namesOf({ upstreams }: Plan): Set<string> {
  const named = upstreams.flatMap(({ endpoints }) => endpoints.filter(({ dns }) => dns === true));
  return new Set(named.map((endpoint) => mainAddress(endpoint).host));
}

function modelsOf(service: ServicePlan | undefined): Map<string, string[]> {
  const { models = [], versions = {} } = service ?? {};
  return new Map(models.map((model) => [model, (versions[model] ?? []).map(({ number }) => String(number))]));
}

function statusOf(
  view: ReplicaView | undefined,
  sinceOf: (ms: number) => string,
): Omit<ReplicaStatus, 'service' | 'address' | 'grpc'> {
  if (view === undefined) return { state: 'unchecked', waitsFor: [], waits: 0, unasked: 0, without: 0 };
  const { liveness, sinceMs, why, waitsFor, waits, unasked, without } = view;
  return {
    state: liveness,
    since: sinceOf(sinceMs),
    ...(why !== undefined && { why }),
    waitsFor: waitsFor.map(({ what, sinceMs: at, isLoading }) => ({ what, since: sinceOf(at), loading: isLoading })),
    waits,
    unasked,
    without,
  };
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs).unref());
}
