import { type Traffic, trafficOf } from '../../plan/index.ts';
import type { UpstreamPlan } from '../../plan/types.ts';
import { RetryBudget } from '../../traffic/index.ts';
import type { ServiceTraffic } from '../engine.ts';
import { Codings } from './codings.ts';

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** How the calls of one service are carried in this worker, and what is counted of them. */
export class Carriage {
  readonly traffic: Traffic;
  /** What answers may be coded in; undefined: they stay as they are. */
  readonly answers: Codings | undefined;
  readonly requests: 'gzip' | 'br' | 'zstd' | undefined;
  readonly counts: Writable<ServiceTraffic>;
  readonly #budget: RetryBudget;
  readonly #sharedUs: number;

  constructor(upstream: UpstreamPlan, shared: Shared, counts = countsOf(upstream.service)) {
    const { answers = [], requests } = upstream.compression ?? {};
    this.traffic = trafficOf(upstream);
    this.answers = answers.length === 0 ? undefined : new Codings(answers);
    this.requests = requests;
    this.counts = counts;
    this.#budget = new RetryBudget(shared.budgets, upstream.service);
    this.#sharedUs = shared.sharedUs;
  }

  /** Counts a call that is on its way to a replica. `nowMs` of `performance.now()`. */
  began(nowMs: number): void {
    this.#budget.call(this.#second(nowMs));
  }

  /** Whether a call may be tried once more. */
  mayRetry(nowMs: number): boolean {
    const may = this.#budget.take(this.#second(nowMs), this.traffic.retries.budgetPpm);
    if (may) this.counts.retries += 1;
    else this.counts.retriesRefused += 1;
    return may;
  }

  #second(nowMs: number): number {
    return Math.floor((this.#sharedUs + nowMs * 1000) / 1e6) + 1;
  }
}

interface Shared {
  /** Memory of all budgets, of the engine. */
  readonly budgets: SharedArrayBuffer;
  /** Microseconds that, added to `performance.now()`, give a time that all threads of the machine share. */
  readonly sharedUs: number;
}

/** The carriages of all services; their counts outlive a Plan. */
export class Carriages {
  readonly #shared: Shared;
  #services = new Map<string, Carriage>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  apply(upstreams: readonly UpstreamPlan[]): void {
    const before = this.#services;
    this.#services = new Map(
      upstreams.map((upstream) => {
        const { service } = upstream;
        return [service, new Carriage(upstream, this.#shared, before.get(service)?.counts)];
      }),
    );
  }

  /** Of a call that was permitted by the Plan before, its service may be gone: it is carried as if nothing was said of it. */
  of(service: string): Carriage {
    return this.#services.get(service) ?? new Carriage({ service, endpoints: [] }, this.#shared);
  }

  status(): ServiceTraffic[] {
    return [...this.#services.values()].map(({ counts }) => ({ ...counts }));
  }
}

function countsOf(service: string): Writable<ServiceTraffic> {
  return { service, retries: 0, retriesRefused: 0, ejections: 0, coalesced: 0, queueFull: 0, queueTimeouts: 0 };
}
