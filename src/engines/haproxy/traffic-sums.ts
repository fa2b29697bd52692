import type { ServiceTraffic } from '../engine.ts';

/** Counts by service over all processes of a run. */
export class TrafficSums {
  #kept: readonly ServiceTraffic[] = [];

  /** A process has ended; what it counted stays. */
  keep(counted: readonly ServiceTraffic[]): void {
    this.#kept = this.with(counted);
  }

  /** With what living processes count. */
  with(counted: readonly ServiceTraffic[]): ServiceTraffic[] {
    const sums = new Map<string, ServiceTraffic>();
    for (const each of [...this.#kept, ...counted]) {
      const sum = sums.get(each.service);
      sums.set(each.service, sum === undefined ? each : add(sum, each));
    }
    return [...sums.values()];
  }
}

function add(a: ServiceTraffic, b: ServiceTraffic): ServiceTraffic {
  return {
    service: a.service,
    retries: a.retries + b.retries,
    retriesRefused: a.retriesRefused + b.retriesRefused,
    ejections: a.ejections + b.ejections,
    coalesced: a.coalesced + b.coalesced,
    queueFull: a.queueFull + b.queueFull,
    queueTimeouts: a.queueTimeouts + b.queueTimeouts,
  };
}
