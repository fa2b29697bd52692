import { sumByService } from '../../traffic/index.ts';
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
    return sumByService([...this.#kept, ...counted]);
  }
}
