import { queuesMax } from '../../traffic/index.ts';
import type { ServiceTraffic } from '../engine.ts';
import type { QueueNumbers } from './queues.ts';

const kinds = ['coalesced', 'queueFull', 'queueTimeouts'] as const;
type Kind = (typeof kinds)[number];

export type ServiceCounts = Pick<ServiceTraffic, Kind>;

/** Memory of the counts, to be shared by the threads of one engine. */
export function countsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(queuesMax * kinds.length * 4);
}

/** Counts by service, over all threads and since the start. */
export class TrafficCounts {
  readonly #words: Uint32Array;
  /** Of each service, by its name. */
  numbers: QueueNumbers = new Map();

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Uint32Array(memory);
  }

  add(service: string, kind: Kind): void {
    const number = this.numbers.get(service);
    if (number !== undefined) Atomics.add(this.#words, number * kinds.length + kinds.indexOf(kind), 1);
  }

  of(service: string): ServiceCounts {
    const at = (this.numbers.get(service) ?? 0) * kinds.length;
    const [coalesced = 0, queueFull = 0, queueTimeouts = 0] = this.#words.subarray(at, at + kinds.length);
    return { coalesced, queueFull, queueTimeouts };
  }
}
