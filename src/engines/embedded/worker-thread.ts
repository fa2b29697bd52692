import { Worker } from 'node:worker_threads';
import type { Addresses, AssistStart, WorkerCall, WorkerMessage, WorkerStart, WorkerStatus } from './messages.ts';

/** `WorkerCall` without its turn. */
export type Ask = WorkerCall extends infer Call ? (Call extends { turn: number } ? Omit<Call, 'turn'> : never) : never;

export interface WorkerWatch {
  readonly log: (line: string) => void;
  /** It ended without being asked to. */
  readonly onEnd: (cause: Error) => void;
}

type Answer = Extract<WorkerMessage, { kind: 'answer' }>;

/** From source `.ts`, in the published package `.js`: the same name as this file's. */
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** One worker thread, seen from the main one. */
export class WorkerThread {
  addresses: Addresses = {};
  /** Its number among the living ones. */
  readonly thread: number;
  readonly #thread: Worker;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  #turn = 0;
  #isEnding = false;

  private constructor(thread: Worker, number: number) {
    this.#thread = thread;
    this.thread = number;
  }

  /** Rejects where it can't listen, or can't take up the Plan. */
  static start(start: WorkerStart | AssistStart, watch: WorkerWatch, file = workerFile): Promise<WorkerThread> {
    const transferList = [...start.peers.values()];
    const thread = new Worker(file, { workerData: start, transferList });
    const worker = new WorkerThread(thread, start.thread);
    return new Promise((resolve, reject) => {
      let isReady = false;
      let cause: Error | undefined;
      thread.on('message', (message: WorkerMessage) => {
        if (message.kind === 'log') watch.log(message.line);
        if (message.kind === 'answer') worker.#waiting.get(message.turn)?.resolve(message);
        if (message.kind !== 'ready') return;
        isReady = true;
        worker.addresses = message.addresses;
        resolve(worker);
      });
      thread.on('error', (error: Error) => {
        cause = error;
      });
      thread.on('exit', (code) => {
        const error = cause ?? new Error(`a worker thread ended with ${code}`);
        worker.#end(error);
        if (!isReady) reject(error);
        else if (!worker.#isEnding) watch.onEnd(error);
      });
    });
  }

  async ask(call: Ask): Promise<WorkerStatus | Addresses | undefined> {
    this.#turn += 1;
    const turn = this.#turn;
    const answered = new Promise<Answer>((resolve, reject) => this.#waiting.set(turn, { resolve, reject }));
    this.#thread.postMessage({ ...call, turn }, call.kind === 'peer' ? [call.port] : []);
    const { value, fault } = await answered.finally(() => this.#waiting.delete(turn));
    if (fault !== undefined) throw new Error(fault);
    return value;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#thread.terminate();
  }

  #end(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
