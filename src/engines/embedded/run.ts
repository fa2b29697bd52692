import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { createSpoolLineParser } from '../../audit/index.ts';
import type { AddressPlan, Plan } from '../../plan/types.ts';
import { rateMemory } from '../../traffic/index.ts';
import type { EngineContext, EngineStatus, RunningEngine } from '../engine.ts';
import type { WorkerCall, WorkerMessage, WorkerStart, WorkerStatus } from './messages.ts';

/** Most worker threads. */
const workersMax = 8;

type Ask = WorkerCall extends infer Call ? (Call extends { turn: number } ? Omit<Call, 'turn'> : never) : never;

/** Starts one worker thread a core, all listening on the same ports (SO_REUSEPORT). */
export async function runEmbedded({ plan }: EngineContext): Promise<RunningEngine> {
  let current: Plan = plan;
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  const life = randomBytes(5).toString('hex');
  const rates = rateMemory();
  const workers: WorkerThread[] = [];
  let addresses: Readonly<Record<string, AddressPlan>> = {};
  for (let index = 0; index < Math.min(availableParallelism(), workersMax); index += 1) {
    const worker = await WorkerThread.start({ plan, worker: `${life}.${index}`, rates, addresses }, fail);
    addresses = worker.addresses;
    workers.push(worker);
  }
  const all = (call: Ask): Promise<(WorkerStatus | undefined)[]> =>
    Promise.all(workers.map((worker) => worker.ask(call)));
  return {
    addresses,
    failed,
    parseSpool: createSpoolLineParser(),
    swap: async (next) => {
      await all({ kind: 'swap', plan: next });
      current = next;
    },
    revoke: async (ids) => void (await all({ kind: 'revoke', ids })),
    admit: async (open) => void (await all({ kind: 'admit', open })),
    status: async () => statusOf(await all({ kind: 'status' }), current),
    stop: async (graceMs) => {
      await all({ kind: 'stop', graceMs });
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

function statusOf(answers: readonly (WorkerStatus | undefined)[], plan: Plan): EngineStatus {
  const statuses = answers.filter((status) => status !== undefined);
  const endpoints = new Map<string, EngineStatus['endpoints'][number]>();
  for (const endpoint of statuses.flatMap((status) => status.endpoints)) {
    const name = `${endpoint.service} ${endpoint.address}`;
    endpoints.set(name, { ...endpoint, inFlight: endpoint.inFlight + (endpoints.get(name)?.inFlight ?? 0) });
  }
  return {
    processes: statuses.map(({ epoch }, index) => ({
      role: `worker ${index}`,
      pid: process.pid,
      epoch: epoch || plan.epoch,
    })),
    keptDecisions: statuses.reduce((sum, status) => sum + status.keptDecisions, 0),
    endpoints: [...endpoints.values()],
    issuers: statuses[0]?.issuers ?? [],
  };
}

/** One worker thread and what is asked of it. */
class WorkerThread {
  readonly addresses: Readonly<Record<string, AddressPlan>>;
  readonly #thread: Worker;
  readonly #waiting = new Map<number, (answer: Extract<WorkerMessage, { kind: 'answer' }>) => void>();
  #turn = 0;
  #ending = false;

  private constructor(thread: Worker, addresses: Readonly<Record<string, AddressPlan>>) {
    this.addresses = addresses;
    this.#thread = thread;
    thread.on('message', (message: WorkerMessage) => {
      if (message.kind === 'answer') this.#waiting.get(message.turn)?.(message);
    });
  }

  static async start(start: WorkerStart, fail: (error: Error) => void): Promise<WorkerThread> {
    const thread = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start });
    const ready = await new Promise<WorkerMessage>((resolve, reject) => {
      thread.once('message', resolve).once('error', reject);
    });
    if (ready.kind !== 'ready') throw new Error('a worker answered before it was ready');
    const worker = new WorkerThread(thread, ready.addresses);
    thread.on('error', fail);
    thread.on('exit', (code) => worker.#ending || fail(new Error(`a worker ended with ${code}`)));
    return worker;
  }

  ask(call: Ask): Promise<WorkerStatus | undefined> {
    this.#turn += 1;
    const turn = this.#turn;
    return new Promise((resolve, reject) => {
      this.#waiting.set(turn, ({ status, fault }) => {
        this.#waiting.delete(turn);
        if (fault === undefined) resolve(status);
        else reject(new Error(fault));
      });
      this.#thread.postMessage({ ...call, turn });
    });
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#thread.terminate();
  }
}
