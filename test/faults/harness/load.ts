import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, field, send } from '../../conformance/harness/client.ts';

/** Longer than any bound of the gateway that these tests run into. */
const answerMsMax = 6000;

/** One call that was made, and what came of it. */
export interface Outcome {
  readonly startedMs: number;
  readonly endedMs: number;
  /** 0: no answer. */
  readonly status: number;
  readonly requestId: string;
  readonly answer: Answer | undefined;
  readonly error: string | undefined;
}

export interface Caller {
  readonly port: number;
  readonly method?: string;
  readonly target: string;
  /** Made for each call. */
  readonly headers: () => readonly string[];
  /** Between two calls. */
  readonly pauseMs?: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Calls one after another on a connection that is kept, until told to stop. */
export class Load implements AsyncDisposable {
  readonly outcomes: Outcome[] = [];
  readonly #caller: Caller;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #running: Promise<void>;
  #isStopping = false;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.#running = this.#run();
  }

  /** What was called from this time on, of `performance.now()`. */
  since(startedMs: number): Outcome[] {
    return this.outcomes.filter((outcome) => outcome.startedMs >= startedMs);
  }

  async stop(): Promise<readonly Outcome[]> {
    this.#isStopping = true;
    await this.#running;
    this.#agent.destroy();
    return this.outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.outcomes.push(await callOnce(this.#caller, this.#agent));
      await sleep(this.#caller.pauseMs ?? 2);
    }
  }
}

const single = new Agent({ keepAlive: false });

/** One call, on a connection of its own unless an agent is given; never rejects. */
export async function callOnce({ port, method = 'POST', target, headers }: Caller, agent = single): Promise<Outcome> {
  const startedMs = performance.now();
  const body = method === 'POST' ? { body: '{"instances":[[1]]}' } : {};
  const call = { port, method, target, headers: headers(), ...body, agent };
  const late = sleep(answerMsMax, undefined, { ref: false }).then(() => Promise.reject(new Error('no answer in time')));
  const result = await Promise.race([send(call), late]).then(
    (answer) => ({ answer, error: undefined }),
    (error: Error) => ({ answer: undefined, error: error.message }),
  );
  const { answer } = result;
  return {
    startedMs,
    endedMs: performance.now(),
    status: answer?.status ?? 0,
    requestId: answer === undefined ? '' : (field(answer.headers, 'x-headgate-request-id') ?? ''),
    ...result,
  };
}

/** `200×4000, 503×12`; calls without an answer by their error. */
export function counts(outcomes: readonly Outcome[]): string {
  const by = new Map<string, number>();
  for (const { status, error } of outcomes) {
    const name = status === 0 ? (error ?? 'no answer') : String(status);
    by.set(name, (by.get(name) ?? 0) + 1);
  }
  return [...by].map(([name, count]) => `${name}×${count}`).join(', ') || 'none';
}
