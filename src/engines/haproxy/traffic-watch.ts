import { trafficOf } from '../../plan/index.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import type { Clock } from '../../std/clock.ts';
import type { ServiceTraffic } from '../engine.ts';
import { Ejections, type ReplicaCounts } from './ejection.ts';
import { replicaName, retryBytesName, serviceBackends } from './names.ts';
import { RetryBudget, type ServiceCounts } from './retry-budget.ts';
import type { RuntimeApi } from './runtime-api.ts';
import type { ServerSlots } from './server-slots.ts';
import { replicaKey, type Slots } from './slots.ts';
import { backendRows, type StatRow, serverRows } from './stat-rows.ts';
import { retryBytesAtFirst } from './traffic-lines.ts';

/** Between two looks, and while something fails. */
const calmLookMs = 1000;
const busyLookMs = 250;

const nothing: ServiceCounts = { calls: 0, tries: 0, faults: 0 };

interface Watched {
  readonly upstream: UpstreamPlan;
  /** From 1. */
  readonly index: number;
  readonly budget: RetryBudget;
  readonly ejections: Ejections;
  /** At the last look. */
  counts: ServiceCounts;
  mayRetry: boolean;
}

export interface TrafficWatchOptions {
  readonly plan: Plan;
  readonly api: RuntimeApi;
  readonly servers: ServerSlots;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/**
 * What HAProxy 2.6 doesn't do by itself, by its own counts: a budget of further tries, and replicas that are passed over because they
 * fail. A look at the backends once a second; at the servers, and four times as often, only while something fails.
 */
export class TrafficWatch {
  readonly #options: TrafficWatchOptions;
  readonly #services: readonly Watched[];
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: TrafficWatchOptions) {
    const { plan, clock } = options;
    this.#options = options;
    this.#services = plan.upstreams.map((upstream, position) => ({
      upstream,
      index: position + 1,
      budget: new RetryBudget(trafficOf(upstream).retries, {
        isAlwaysHeld: upstream.retries !== undefined,
        nowMs: clock.now(),
      }),
      ejections: new Ejections(),
      counts: nothing,
      mayRetry: true,
    }));
  }

  start(): void {
    this.#next(calmLookMs);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** Replicas of the service come, go or fail: there is cause to expect faults. */
  expect(service: string): void {
    const nowMs = this.#options.clock.now();
    for (const { upstream, budget } of this.#services) if (upstream.service === service) budget.expect(nowMs);
  }

  traffic(): ServiceTraffic[] {
    return this.#services.map(({ upstream, budget, ejections }) => ({
      service: upstream.service,
      retries: budget.tries,
      retriesRefused: budget.refused,
      ejections: ejections.count,
      coalesced: 0,
      queueFull: 0,
      queueTimeouts: 0,
    }));
  }

  /** Looks now. */
  async look(): Promise<boolean> {
    const { api, clock } = this.#options;
    const rows = await backendRows(api);
    const nowMs = clock.now();
    // The budget is weighed at each look, also while a replica is passed over.
    const failing = this.#services.filter((each) => this.#weigh(each, rows, nowMs) || each.ejections.isAny);
    if (failing.length === 0) return false;
    const servers = await serverRows(api);
    await Promise.all(failing.map((each) => this.#judge(each, servers)));
    return true;
  }

  #next(afterMs: number): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.look()
        .catch((error: unknown) => {
          this.#options.log(`haproxy: a look at its counts: ${error instanceof Error ? error.message : error}`);
          return false;
        })
        .then((isBusy) => this.#next(isBusy ? busyLookMs : calmLookMs));
    }, afterMs).unref();
  }

  /** Whether something failed since the last look. */
  #weigh(watched: Watched, rows: readonly StatRow[], nowMs: number): boolean {
    const proxies = serviceBackends(watched.index);
    const own = rows.filter(({ proxy }) => proxies.includes(proxy));
    if (own.length === 0) return false;
    const sum = (of: (row: StatRow) => number): number => own.reduce((total, row) => total + of(row), 0);
    const { counts: before } = watched;
    const counts = {
      calls: sum(({ total }) => total),
      faults: sum(failuresOf),
      // A connection that can't be had is passed over for another replica, which is a redispatch alone: no work was done twice.
      tries: sum(({ retries }) => retries),
    };
    watched.counts = counts;
    const mayRetry = watched.budget.see(counts, nowMs);
    if (mayRetry !== watched.mayRetry) this.#allow(watched, mayRetry);
    return counts.faults > before.faults;
  }

  #allow(watched: Watched, mayRetry: boolean): void {
    watched.mayRetry = mayRetry;
    const bytes = mayRetry ? retryBytesAtFirst : -1;
    // What it answers is the new value.
    this.#options.api.ask(`set var ${retryBytesName(watched.index)} int(${bytes})`).catch(() => undefined);
  }

  async #judge({ upstream, index, ejections }: Watched, rows: readonly StatRow[]): Promise<void> {
    const { servers, clock, log } = this.#options;
    const { service } = upstream;
    const before = ejections.count;
    const ejected = ejections.see(countsOf(servers.slots[service] ?? [], index, rows), clock.now());
    if (ejections.count > before) log(`haproxy: ${service}: passed over for a while: ${[...ejected].join(', ')}`);
    await servers.eject(service, ejected);
  }
}

/**
 * A connection that can't be had is a retry on the same server, or a redispatch to another; an answer that won't do is a retry, and a
 * redispatch beside where it was another. So of a server that has others, or that is alone, the larger is exact.
 */
const triesOf = ({ retries, redispatches }: Pick<StatRow, 'retries' | 'redispatches'>): number =>
  Math.max(retries, redispatches);
const serverFault = 5;
const failuresOf = (row: StatRow): number =>
  triesOf(row) + row.connectFaults + row.answerFaults + (row.answers[serverFault] ?? 0);
const successesOf = ({ answers }: StatRow): number => (answers[2] ?? 0) + (answers[3] ?? 0) + (answers[4] ?? 0);

/** Of the replicas that get calls, or would. */
function countsOf(slots: Slots, index: number, rows: readonly StatRow[]): ReplicaCounts[] {
  const proxies = serviceBackends(index);
  return slots.flatMap((replica, slot) => {
    if (replica?.isUp !== true) return [];
    const own = rows.filter(({ proxy, server }) => server === replicaName(slot + 1) && proxies.includes(proxy));
    const sum = (of: (row: StatRow) => number): number => own.reduce((total, row) => total + of(row), 0);
    return [{ key: replicaKey(replica), successes: sum(successesOf), failures: sum(failuresOf) }];
  });
}
