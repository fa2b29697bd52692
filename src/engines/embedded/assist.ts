import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../../plan/types.ts';
import { budgetMemory, replicaMemory, sumByService } from '../../traffic/index.ts';
import type { AssistContext, Assisting, AssistingStatus, EndedCall, ReplicasByService } from '../engine.ts';
import { BoardingWatch } from './boarding-watch.ts';
import { assistRestartMsMax } from './limits.ts';
import type { WorkerStatus } from './messages.ts';
import { Roster } from './roster.ts';
import { WorkerThread } from './worker-thread.ts';

/** From source `.ts`, in the published package `.js`: the same name as this file's. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './assist-worker.ts' : './assist-worker.js',
  import.meta.url,
);

/** Carries what another engine hands over, in one thread: that is what makes one queue and one leader of those that there are. */
export async function assistEmbedded(context: AssistContext): Promise<Assisting> {
  const side = new AssistingSide(context);
  await side.start();
  return side;
}

/** Of the one thread. */
const threadNumber = 0;

class AssistingSide implements Assisting {
  readonly socket: string;
  readonly queueOf: Assisting['queueOf'];
  readonly #log: AssistContext['log'];
  #plan: Plan;
  /** What waits and is in flight outlives a thread, as counts; what the thread held of it doesn't. */
  readonly #boarding = new BoardingWatch();
  readonly #replicas = replicaMemory(1);
  readonly #budgets = budgetMemory();
  readonly #roster = new Roster(this.#replicas);
  #worker: WorkerThread | undefined;
  #isStopping = false;
  /** Starts, swaps and the end one after the other, so that no thread misses any. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ plan, socket, log }: AssistContext) {
    this.#plan = plan;
    this.socket = socket;
    this.#roster.take(this.#roster.planned(plan));
    this.queueOf = this.#boarding.queueOf;
    this.#log = log;
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isStopping) return;
      this.#boarding.forget(threadNumber);
      this.#roster.forget(threadNumber);
      const start = {
        plan: this.#plan,
        socket: this.socket,
        worker: randomBytes(6).toString('hex'),
        thread: threadNumber,
        budgets: this.#budgets,
        replicas: this.#replicas,
        roster: this.#roster.all,
        boarding: this.#boarding.memory,
        queues: this.#boarding.numbersOf(this.#plan),
        peers: new Map(),
      };
      const watch = { log: this.#log, onEnd: (cause: Error) => void this.#ended(cause) };
      this.#worker = await WorkerThread.start(start, watch, workerFile);
    });
  }

  swap(plan: Plan): Promise<void> {
    return this.#inTurn(async () => {
      const roster = this.#roster.planned(plan);
      const queues = this.#boarding.numbersOf(plan);
      this.#plan = plan;
      this.#roster.take(roster);
      await this.#worker?.ask({ kind: 'swap', plan, addresses: {}, roster, queues });
    });
  }

  setReplicas(replicas: ReplicasByService): Promise<void> {
    return this.#inTurn(async () => {
      await this.#worker?.ask({ kind: 'replicas', roster: this.#roster.push(replicas) });
    });
  }

  async end(calls: readonly EndedCall[]): Promise<void> {
    await this.#worker?.ask({ kind: 'end', calls });
  }

  async status(): Promise<AssistingStatus> {
    const status = (await this.#worker?.ask({ kind: 'status' }).catch(() => undefined)) as WorkerStatus | undefined;
    if (status === undefined) return { processes: [], endpoints: [] };
    const { epoch } = status;
    return {
      processes: [{ role: 'assisting', pid: process.pid, epoch }],
      endpoints: this.#roster.status(),
      queues: this.#boarding.queues(this.#plan),
      traffic: this.#traffic(status),
    };
  }

  #traffic({ traffic }: WorkerStatus): NonNullable<AssistingStatus['traffic']> {
    const ejections = (service: string): number => this.#roster.ejections(service);
    return sumByService([...traffic, ...this.#boarding.traffic(this.#plan)]).map((each) => ({
      ...each,
      ejections: ejections(each.service),
    }));
  }

  stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    return this.#inTurn(async () => {
      const worker = this.#worker;
      this.#worker = undefined;
      await worker?.ask({ kind: 'stop', graceMs }).catch(() => undefined);
      await worker?.end();
    });
  }

  /** Until the next is there nobody listens, and the engine answers 503: nothing goes around it. */
  async #ended(cause: Error): Promise<void> {
    this.#worker = undefined;
    for (let pauseMs = 10; !this.#isStopping; pauseMs = Math.min(2 * pauseMs, assistRestartMsMax)) {
      this.#log(`the thread for assisted routes ended and is started anew: ${cause.message}`);
      try {
        await this.start();
        return;
      } catch (error) {
        cause = error instanceof Error ? error : new Error(String(error));
        await sleep(pauseMs);
      }
    }
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
