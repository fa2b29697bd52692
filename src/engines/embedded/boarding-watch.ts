import type { Plan } from '../../plan/types.ts';
import { Claims, claimMemory, type QueueCounts, queueMemory, queuesMax, SharedQueues } from '../../traffic/index.ts';
import type { QueueStatus, ServiceTraffic } from '../engine.ts';
import { nameOfQueue, type QueueNumbers, queuesOf } from './queues.ts';
import { countsMemory, TrafficCounts } from './traffic-counts.ts';

/** What the threads that carry calls share. */
export interface BoardingMemory {
  readonly queues: SharedArrayBuffer;
  readonly claims: SharedArrayBuffer;
  readonly counts: SharedArrayBuffer;
}

/** The shared memory of boardings, as the thread sees it that starts the others and watches over them. */
export class BoardingWatch {
  readonly memory: BoardingMemory = {
    queues: queueMemory(),
    claims: claimMemory(),
    counts: countsMemory(),
  };
  readonly #queues = new SharedQueues(this.memory.queues);
  readonly #claims = new Claims(this.memory.claims);
  readonly #counts = new TrafficCounts(this.memory.counts);
  #numbers: QueueNumbers = new Map();
  /** Queues of the last Plan. */
  #planned: ReadonlySet<string> = new Set();

  /**
   * Numbers of a Plan's queues and services: those that are known keep theirs. Throws where there are too many; names that were once
   * in a Plan count as long as calls of theirs are on their way.
   */
  numbersOf({ upstreams }: Pick<Plan, 'upstreams'>): QueueNumbers {
    const planned = new Set(queuesOf(upstreams).keys());
    const wanted = new Set([...upstreams.map(({ service }) => service), ...planned]);
    const numbers = new Map(this.#numbers);
    const missing = [...wanted].filter((name) => !numbers.has(name));
    if (numbers.size + missing.length > queuesMax) {
      for (const [name, number] of numbers) {
        const { inFlight, waiting } = this.#queues.counts(number);
        if (!wanted.has(name) && inFlight + waiting === 0) numbers.delete(name);
      }
    }
    const taken = new Set(numbers.values());
    let next = 0;
    for (const name of missing) {
      while (taken.has(next)) next += 1;
      if (next >= queuesMax) throw new Error(`there are more than ${queuesMax} queues`);
      taken.add(next);
      numbers.set(name, next);
    }
    this.#planned = planned;
    this.#numbers = numbers;
    this.#counts.numbers = numbers;
    return numbers;
  }

  /** Takes back what a thread held that has ended. */
  forget(thread: number): void {
    this.#queues.forget(thread);
    this.#claims.forget(thread);
  }

  /** How much is on its way in the model's queue, or else in the service's; undefined: the last Plan has none. */
  readonly queueOf = (service: string, model: string | undefined): QueueCounts | undefined => {
    const name = [nameOfQueue(service, model), nameOfQueue(service)].find((each) => this.#planned.has(each));
    return name === undefined ? undefined : this.#queues.counts(this.#numbers.get(name) ?? 0);
  };

  queues({ upstreams }: Pick<Plan, 'upstreams'>): QueueStatus[] {
    return upstreams.flatMap(({ service, queue }) => {
      const models = Object.keys(queue?.models ?? {});
      const own = queue?.service === undefined ? models : [undefined, ...models];
      return own.map((model) => {
        const counts = this.#queues.counts(this.#numbers.get(nameOfQueue(service, model)) ?? 0);
        return { service, ...(model !== undefined && { model }), ...counts };
      });
    });
  }

  traffic({ upstreams }: Pick<Plan, 'upstreams'>): ServiceTraffic[] {
    return upstreams.map(({ service }) => ({
      ...{ service, retries: 0, retriesRefused: 0, ejections: 0 },
      ...this.#counts.of(service),
    }));
  }
}
