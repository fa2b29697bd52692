import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { createSpoolLineParser } from '../../audit/index.ts';
import type { Plan } from '../../plan/types.ts';
import { budgetMemory, rateMemory, replicaMemory, sumByService } from '../../traffic/index.ts';
import type { EngineContext, EngineStatus, ReplicasByService, RunningEngine, ServiceTraffic } from '../engine.ts';
import { BoardingWatch } from './boarding-watch.ts';
import { floodMemory } from './flood.ts';
import { HandedOver } from './handed-over.ts';
import { workerRestartsMax, workerRestartsMs, workersMax } from './limits.ts';
import type { Addresses, WorkerStatus } from './messages.ts';
import { openStreams } from './open-streams.ts';
import { Roster } from './roster.ts';
import { type Ask, WorkerThread } from './worker-thread.ts';

/** Starts one worker thread a core, all listening on the same ports (SO_REUSEPORT). */
export async function runEmbedded(context: EngineContext): Promise<RunningEngine> {
  const handedOver = new HandedOver(context.sockets);
  await checkPorts(context.plan, handedOver);
  const crew = new Crew(context, handedOver);
  await crew.start();
  return {
    get addresses() {
      return crew.addresses;
    },
    failed: crew.failed,
    parseSpool: createSpoolLineParser(),
    swap: (plan) => crew.swap(plan),
    revoke: (ids) => crew.all({ kind: 'revoke', ids }),
    setReplicas: (replicas) => crew.setReplicas(replicas),
    admit: (open) => crew.admit(open),
    setCertificates: (certificates) => crew.all({ kind: 'certificates', certificates }),
    status: () => crew.status(),
    stop: (graceMs) => crew.stop(graceMs),
  };
}

/** SO_REUSEPORT would let another Headgate of the same user take half of the connections: so the ports have to be free. */
async function checkPorts(plan: Plan, handedOver: HandedOver): Promise<void> {
  for (const { name, address } of plan.listeners) {
    if (address.port === 0 || handedOver.has(name)) continue;
    const server = createServer();
    server.listen({ host: address.host, port: address.port, exclusive: true });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  }
}

/** The worker threads of one engine. */
class Crew {
  addresses: Addresses = {};
  readonly failed: Promise<Error>;
  readonly #context: EngineContext;
  readonly #rates = rateMemory();
  readonly #floods = floodMemory();
  readonly #boarding = new BoardingWatch();
  readonly #budgets = budgetMemory();
  readonly #replicas: SharedArrayBuffer;
  readonly #roster: Roster;
  readonly #count: number;
  readonly #handedOver: HandedOver;
  readonly #workers: WorkerThread[] = [];
  readonly #ends: number[] = [];
  #plan: Plan;
  #isOpen = true;
  #isStopping = false;
  #fail: (error: Error) => void = () => undefined;
  /** Swaps, revocations and restarts one after the other, so that no worker misses any. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: EngineContext, handedOver: HandedOver) {
    this.#context = context;
    this.#handedOver = handedOver;
    this.#count = handedOver.workers(Math.min(availableParallelism(), workersMax));
    this.#plan = context.plan;
    this.#replicas = replicaMemory(this.#count);
    this.#roster = new Roster(this.#replicas);
    this.#roster.take(this.#roster.planned(context.plan));
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  async start(): Promise<void> {
    try {
      // The first chooses the ports that the Plan leaves open.
      for (let index = 0; index < this.#count; index += 1) {
        const worker = await this.#startOne();
        this.addresses = worker.addresses;
      }
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  all(call: Ask): Promise<void> {
    return this.#inTurn(() => this.#askAll(call));
  }

  admit(open: boolean): Promise<void> {
    this.#isOpen = open;
    return this.all({ kind: 'admit', open });
  }

  setReplicas(replicas: ReplicasByService): Promise<void> {
    return this.#inTurn(() => this.#askAll({ kind: 'replicas', roster: this.#roster.push(replicas) }));
  }

  /** The first worker tries it alone: what it can't take up, none does. */
  swap(plan: Plan): Promise<void> {
    return this.#inTurn(async () => {
      const [first, ...rest] = this.#workers;
      const roster = this.#roster.planned(plan);
      const swap = { kind: 'swap', plan, roster, queues: this.#boarding.numbersOf(plan) } as const;
      const addresses = (await first?.ask({ ...swap, addresses: this.addresses })) as Addresses;
      this.addresses = addresses;
      this.#plan = plan;
      this.#roster.take(roster);
      const left = await Promise.allSettled(rest.map((worker) => worker.ask({ ...swap, addresses })));
      // INVARIANT: no worker goes on deciding by the old Plan. One that can't take up the new one is replaced.
      const behind = rest.filter((_worker, index) => left[index]?.status === 'rejected');
      for (const worker of behind) await this.#replace(worker);
    });
  }

  async status(): Promise<EngineStatus> {
    const answers = await Promise.allSettled(this.#workers.map((worker) => worker.ask({ kind: 'status' })));
    const statuses = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value as WorkerStatus] : []));
    const { traffic, ...status } = statusOf(statuses);
    const hasStreams = this.#plan.access.services.some(({ protocol }) => protocol === 'grpc');
    const counted = sumByService([...traffic, ...this.#boarding.traffic(this.#plan)]);
    return {
      ...status,
      endpoints: this.#roster.status(),
      queues: this.#boarding.queues(this.#plan),
      ...(hasStreams && { streams: openStreams(statuses.flatMap(({ open }) => open ?? [])) }),
      traffic: counted.map((each) => ({ ...each, ejections: this.#roster.ejections(each.service) })),
    };
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const workers = this.#workers.splice(0);
    await Promise.allSettled(workers.map((worker) => worker.ask({ kind: 'stop', graceMs })));
    await Promise.all(workers.map((worker) => worker.end()));
  }

  async #startOne(): Promise<WorkerThread> {
    if (this.#isStopping) throw new Error('the engine is stopping');
    // One starts at a time: a number that no living worker has is free, and what its last holder had in flight is no more.
    const thread = freeNumber(this.#workers.map((worker) => worker.thread));
    this.#boarding.forget(thread);
    const channels = this.#workers.map((worker) => ({ worker, ...new MessageChannel() }));
    this.#roster.forget(thread);
    const start = {
      plan: this.#plan,
      worker: randomBytes(6).toString('hex'),
      share: 1 / this.#count,
      rates: this.#rates,
      floods: this.#floods,
      budgets: this.#budgets,
      replicas: this.#replicas,
      thread,
      roster: this.#roster.all,
      addresses: this.addresses,
      sockets: this.#handedOver.take(),
      isOpen: this.#isOpen,
      boarding: this.#boarding.memory,
      queues: this.#boarding.numbersOf(this.#plan),
      peers: new Map(channels.map(({ worker, port1 }) => [worker.thread, port1])),
    };
    const { log } = this.#context;
    const worker: WorkerThread = await WorkerThread.start(start, { log, onEnd: (cause) => this.#ended(worker, cause) });
    // INVARIANT: who stops ends all that are listed; one that has started since would live on for good.
    if (this.#isStopping) {
      await worker.end();
      throw new Error('the engine is stopping');
    }
    // One that has ended meanwhile needs no port.
    for (const { worker: other, port2: port } of channels)
      other.ask({ kind: 'peer', thread, port }).catch(() => undefined);
    this.#workers.push(worker);
    return worker;
  }

  /** A worker that ended by itself is started anew, unless that has happened too often. */
  #ended(worker: WorkerThread, cause: Error): void {
    this.#remove(worker);
    this.#boarding.forget(worker.thread);
    if (this.#isStopping) return;
    this.#context.log(`a worker thread ended and is started anew: ${cause.message}`);
    const now = performance.now();
    this.#ends.push(now);
    if (this.#ends.filter((at) => at > now - workerRestartsMs).length > workerRestartsMax) {
      this.#fail(cause);
      return;
    }
    this.#inTurn(() => this.#startOne()).catch((error: Error) => {
      if (!this.#isStopping) this.#fail(error);
    });
  }

  async #replace(worker: WorkerThread): Promise<void> {
    this.#remove(worker);
    await worker.end();
    await this.#startOne();
  }

  #remove(worker: WorkerThread): void {
    const at = this.#workers.indexOf(worker);
    if (at !== -1) this.#workers.splice(at, 1);
  }

  async #askAll(call: Ask): Promise<void> {
    const workers = [...this.#workers];
    const asked = await Promise.allSettled(workers.map((worker) => worker.ask(call)));
    // One that ended keeps nothing and lets nothing pass; its successor starts with what holds now.
    const living = asked.filter((_each, index) => this.#workers.includes(workers[index] as WorkerThread));
    const failed = living.find((each) => each.status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function freeNumber(taken: readonly number[]): number {
  let free = 0;
  while (taken.includes(free)) free += 1;
  return free;
}

function statusOf(
  statuses: readonly WorkerStatus[],
): Omit<EngineStatus, 'endpoints' | 'traffic'> & { readonly traffic: readonly ServiceTraffic[] } {
  return {
    processes: statuses.map(({ epoch }, index) => ({ role: `worker ${index}`, pid: process.pid, epoch })),
    keptDecisions: statuses.reduce((sum, status) => sum + status.keptDecisions, 0),
    questions: statuses.reduce((sum, status) => sum + status.questions, 0),
    issuers: statuses[0]?.issuers ?? [],
    traffic: sumByService(statuses.flatMap(({ traffic }) => traffic)),
  };
}
