import type { Denial, DenialReason, Gate, GateAnswer, GateRequest } from '../../gate/index.ts';
import { denialRow } from '../../gate/index.ts';
import type { Clock } from '../../std/clock.ts';
import { gateTimeoutMs } from '../../std/limits.ts';
import { Answered } from './answered.ts';
import { FloodGuard } from './flood.ts';
import { KeptDecisions, type KeptKey, keyText } from './kept.ts';
import { gateWaitingMax } from './limits.ts';

/** Times that a call is asked about again because the Plan was swapped in between. */
const swapsMax = 3;

export interface Question {
  readonly request: GateRequest;
  /** Key under which the answer may be kept; undefined: not at all. */
  readonly key: KeptKey | undefined;
  readonly hasCredential: boolean;
}

export interface AskingOptions {
  readonly clock: Clock;
  /** Of the engine's bounds, what is this worker's. */
  readonly share: number;
  /** Memory of `floodMemory()`. */
  readonly floods: SharedArrayBuffer;
  /** Microseconds that, added to `performance.now()`, give a time that all threads share. */
  readonly sharedUs: number;
}

/** What is asked when no kept decision is there: the gate, once for calls that ask the same. */
export class Asking {
  gate: Gate;
  kept: KeptDecisions;
  readonly #clock: Clock;
  readonly #share: number;
  readonly #flood: FloodGuard;
  readonly #sharedUs: number;
  /** Times that the gate was asked. */
  questions = 0;
  readonly #pending = new Map<string, Promise<Answered | DenialReason>>();
  #waiting = 0;
  /** Counts what ends kept decisions before their time. */
  #changes = 0;

  constructor(gate: Gate, { clock, share, floods, sharedUs }: AskingOptions) {
    this.gate = gate;
    this.kept = new KeptDecisions(share);
    this.#clock = clock;
    this.#share = share;
    this.#flood = new FloodGuard(floods);
    this.#sharedUs = sharedUs;
  }

  /** From now on, this gate decides; nothing that an earlier one said is kept, nor used for a call that still waits. */
  swap(gate: Gate): void {
    this.gate = gate;
    this.kept = new KeptDecisions(this.#share);
    this.#pending.clear();
    this.#changes += 1;
  }

  revoke(ids: ReadonlySet<string>): void {
    this.kept.revoke(ids);
    this.#pending.clear();
    this.#changes += 1;
  }

  ask(question: Question): Promise<Answered | DenialReason> {
    const { key, request, hasCredential } = question;
    const text = key === undefined ? undefined : keyText(key);
    const pending = text === undefined ? undefined : this.#pending.get(text);
    if (pending !== undefined) return pending;
    if (hasCredential && this.#flood.isFlooding(request.address, this.#nowUs())) {
      return Promise.resolve('credential-flood');
    }
    if (this.#waiting >= gateWaitingMax) return Promise.resolve('gate-unavailable');
    const asked = this.#ask(question);
    if (text === undefined) return asked;
    this.#pending.set(text, asked);
    void asked.then(() => this.#pending.get(text) === asked && this.#pending.delete(text));
    return asked;
  }

  #nowUs(): number {
    return this.#sharedUs + performance.now() * 1000;
  }

  async #ask({ request, key }: Question): Promise<Answered | DenialReason> {
    this.#waiting += 1;
    try {
      for (let swap = 0; swap <= swapsMax; swap += 1) {
        const { gate } = this;
        const changes = this.#changes;
        this.questions += 1;
        const answer = await withinTime(gate.check(request));
        if (answer === undefined) return 'gate-unavailable';
        if (gate !== this.gate) continue;
        const answered = new Answered(gate.plan.environment, request, answer);
        if (isFailedCredential(answer)) this.#flood.failed(request.address, this.#nowUs());
        if (key !== undefined && changes === this.#changes) this.kept.keep(key, answered, this.#clock.now());
        return answered;
      }
      return 'gate-unavailable';
    } finally {
      this.#waiting -= 1;
    }
  }
}

function isFailedCredential(answer: GateAnswer): answer is Denial {
  return answer.kind === 'denial' && denialRow(answer.reason).bearerError === 'invalid_token';
}

async function withinTime(answer: Promise<GateAnswer>): Promise<GateAnswer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, gateTimeoutMs, undefined);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
