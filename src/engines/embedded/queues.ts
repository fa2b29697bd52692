import type { DenialReason } from '../../gate/index.ts';
import type { QueuePlan, UpstreamPlan } from '../../plan/types.ts';
import { full, passed, type QueueCounts, SharedQueues } from '../../traffic/index.ts';

/** Which queue of the shared memory is whose: `nameOfQueue` → its number. */
export type QueueNumbers = ReadonlyMap<string, number>;

/** Name of a service's queue, or of a model's. */
export function nameOfQueue(service: string, model?: string): string {
  return model === undefined ? service : `${service}/${model}`;
}

/** Every queue of a Plan, by its name. */
export function queuesOf(upstreams: readonly UpstreamPlan[]): Map<string, QueuePlan> {
  const found = new Map<string, QueuePlan>();
  for (const { service, queue } of upstreams) {
    if (queue?.service !== undefined) found.set(nameOfQueue(service), queue.service);
    for (const [model, plan] of Object.entries(queue?.models ?? {})) found.set(nameOfQueue(service, model), plan);
  }
  return found;
}

/** Of one queue, what its calls on this thread need. */
interface Queue {
  readonly number: number;
  plan: QueuePlan;
  /** Calls that wait here, on this thread, by number, in order of arrival. */
  readonly waiting: Map<number, Turn>;
}

/** Where a queue is no more whose calls are still counted. */
const unbounded: QueuePlan = { inFlightMax: 2 ** 31 - 1, waitingMax: 0, waitMs: 0 };

/** What becomes of who asks for a turn. */
export interface TurnTaker {
  /** It holds its places. `waitedMs`: how long it waited; undefined: it didn't. */
  passed(waitedMs: number | undefined): void;
  refused(reason: DenialReason, waitedMs: number | undefined): void;
}

/** The queues of a Plan on one thread; their counts are the whole engine's. */
export class Queues {
  readonly #shared: SharedQueues;
  #queues: ReadonlyMap<string, Queue> = new Map();
  /** Those, and others in which a call still waits. */
  #known = new Map<string, Queue>();
  #waiting = 0;
  #isListening = false;
  #isLooking = false;

  /** `memory` of `queueMemory()`; `owner`: this thread's number. */
  constructor(memory: SharedArrayBuffer, owner: number) {
    this.#shared = new SharedQueues(memory, owner);
  }

  /** Takes up a Plan's queues; what is counted stays. Calls that wait where a queue is no more go on. */
  apply(upstreams: readonly UpstreamPlan[], numbers: QueueNumbers): void {
    const before = this.#known;
    const queues = new Map<string, Queue>();
    for (const [name, plan] of queuesOf(upstreams)) {
      const number = numbers.get(name);
      if (number === undefined) throw new Error(`the queue ${name} has no number`);
      const queue = before.get(name) ?? { number, plan, waiting: new Map() };
      queue.plan = plan;
      queues.set(name, queue);
    }
    this.#queues = queues;
    this.#known = new Map(queues);
    for (const [name, queue] of before) {
      if (queues.has(name)) continue;
      queue.plan = unbounded;
      if (queue.waiting.size > 0) this.#known.set(name, queue);
    }
    for (const { number, plan } of this.#known.values()) this.#shared.allow(number, plan.inFlightMax);
    this.lookSoon();
  }

  /** Whether a call has to pass any queue. */
  has(service: string, model: string | undefined): boolean {
    return this.#queues.size > 0 && this.#of(service, model).length > 0;
  }

  /** Whether a call would be refused at once. Takes nothing. */
  isFull(service: string, model: string | undefined): boolean {
    if (this.#queues.size === 0) return false;
    return this.#of(service, model).some(({ number, plan }) => this.#shared.isFull(number, plan.waitingMax));
  }

  /** What a condition reads: of the model's queue where it has one, else of the service's; undefined where there is none. */
  readonly queueOf = (service: string, model: string | undefined): QueueCounts | undefined => {
    const [queue] = this.#of(service, model);
    return queue === undefined ? undefined : this.#shared.counts(queue.number);
  };

  /** For a place in the model's queue, then in the service's; to be started. */
  turn(service: string, model: string | undefined, taker: TurnTaker): Turn {
    return new Turn(this, this.#shared, { queues: this.#of(service, model), taker });
  }

  #of(service: string, model: string | undefined): Queue[] {
    const found = [];
    const own = model === undefined ? undefined : this.#queues.get(nameOfQueue(service, model));
    if (own !== undefined) found.push(own);
    const common = this.#queues.get(nameOfQueue(service));
    if (common !== undefined) found.push(common);
    return found;
  }

  /** One more call waits, or one fewer. */
  waits(count: 1 | -1): void {
    this.#waiting += count;
    if (this.#waiting > 0 && !this.#isListening) this.#listen();
  }

  /** A place was freed that a call of this thread has got: no bell is needed. */
  lookSoon(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    queueMicrotask(() => {
      this.#isLooking = false;
      this.#look();
    });
  }

  #listen(): void {
    this.#isListening = true;
    this.#shared.listen();
    // What was granted before this thread listened.
    this.lookSoon();
    void this.#shared.rung().then(() => {
      this.#isListening = false;
      this.#look();
      if (this.#waiting > 0 && !this.#isListening) this.#listen();
    });
  }

  /** In each queue the first are those that were granted a place. */
  #look(): void {
    for (const { waiting } of this.#known.values()) {
      for (const [waiter, turn] of waiting) {
        if (!this.#shared.isGranted(waiter)) break;
        turn.granted();
      }
    }
  }
}

interface TurnOptions {
  readonly queues: readonly Queue[];
  readonly taker: TurnTaker;
}

/** One call on its way through its queues. */
export class Turn {
  readonly #all: Queues;
  readonly #shared: SharedQueues;
  readonly #queues: readonly Queue[];
  readonly #taker: TurnTaker;
  /** Of these many queues it holds a place. */
  #held = 0;
  #waiter = passed;
  #timer: NodeJS.Timeout | undefined;
  #sinceMs: number | undefined;
  #isOver = false;

  constructor(all: Queues, shared: SharedQueues, { queues, taker }: TurnOptions) {
    this.#all = all;
    this.#shared = shared;
    this.#queues = queues;
    this.#taker = taker;
  }

  /** Goes as far as it gets; to be called once. */
  start(): void {
    while (this.#held < this.#queues.length) {
      const queue = this.#queues[this.#held] as Queue;
      const waiter = this.#shared.enter(queue.number, queue.plan.waitingMax);
      if (waiter === full) {
        this.#refuse('queue-full');
        return;
      }
      if (waiter !== passed) {
        this.#wait(queue, waiter);
        return;
      }
      this.#held += 1;
    }
    this.#taker.passed(this.#waitedMs());
  }

  /** Gives back what it holds, or leaves the line. Once it has passed, and also if it is refused or the caller leaves. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    let isOwn = false;
    if (this.#waiter !== passed) isOwn = this.#leave();
    while (this.#held > 0) {
      this.#held -= 1;
      isOwn = this.#shared.release((this.#queues[this.#held] as Queue).number) || isOwn;
    }
    if (isOwn) this.#all.lookSoon();
  }

  granted(): void {
    const queue = this.#queues[this.#held] as Queue;
    this.#shared.collect(queue.number, this.#waiter);
    this.#stopWaiting(queue);
    this.#held += 1;
    this.start();
  }

  #wait(queue: Queue, waiter: number): void {
    this.#sinceMs ??= performance.now();
    this.#waiter = waiter;
    queue.waiting.set(waiter, this);
    this.#timer = setTimeout(() => this.#refuse('queue-timeout'), queue.plan.waitMs);
    this.#all.waits(1);
  }

  #leave(): boolean {
    const queue = this.#queues[this.#held] as Queue;
    const isOwn = this.#shared.leave(queue.number, this.#waiter);
    this.#stopWaiting(queue);
    return isOwn;
  }

  #stopWaiting(queue: Queue): void {
    clearTimeout(this.#timer);
    queue.waiting.delete(this.#waiter);
    this.#waiter = passed;
    this.#all.waits(-1);
  }

  #refuse(reason: DenialReason): void {
    // It may have been granted a place that it was not told of yet.
    if (this.#waiter !== passed && this.#shared.isGranted(this.#waiter)) {
      this.granted();
      return;
    }
    this.over();
    this.#taker.refused(reason, this.#waitedMs());
  }

  #waitedMs(): number | undefined {
    return this.#sinceMs === undefined ? undefined : performance.now() - this.#sinceMs;
  }
}
