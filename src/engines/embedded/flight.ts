import type { DenialReason, ProblemOptions } from '../../gate/index.ts';
import type { Carried, Underway } from './carried.ts';
import type { Ending } from './ending.ts';
import { Fields } from './fields.ts';
import { type Airport, fail, land, type Member, Party } from './party.ts';
import type { Failure, Landing } from './peers.ts';
import { isOfOneCaller, SharedAnswer } from './shared-answer.ts';

/** Tells another thread, at one of its waits, how it ended; undefined: by an answer that can't be shared. */
export type Tell = (thread: number, turn: number, end: Landing | Failure | undefined) => void;

/** One call to the service for all who ask the same: it is its leader's, and goes on while anybody waits for it. */
export class Flight extends Party implements Carried {
  readonly exchange: SharedAnswer;
  readonly fields: Fields;
  readonly requestId: string;
  underway: Underway | undefined;
  isEnding = false;
  /** Each call that waits for it has a deadline of its own. */
  readonly dueMs = Number.POSITIVE_INFINITY;
  /** Threads that wait for it → their turn. */
  readonly threads = new Map<number, number>();
  readonly #airport: Airport;
  readonly #leader: Member;
  readonly #tell: Tell;

  constructor(leader: Member, airport: Airport, tell: Tell) {
    super(leader);
    const { call } = leader;
    this.#airport = airport;
    this.#leader = leader;
    this.#tell = tell;
    this.requestId = call.requestId;
    this.fields = Object.assign(new Fields(), call.fields, { sent: withoutTimeout(call.fields.sent) });
    this.exchange = new SharedAnswer(call.exchange, () => this.#large());
    this.join(leader);
  }

  override get bytesOut(): number {
    return this.underway?.bytesOut ?? 0;
  }

  override get leader(): Member {
    return this.#leader;
  }

  override get endpoint(): string | undefined {
    return this.underway?.endpoint;
  }

  override get tries(): number | undefined {
    return this.underway?.tries;
  }

  set queueMs(waitedMs: number | undefined) {
    this.#leader.call.queueMs = waitedMs;
  }

  override breakOff(): void {
    this.underway?.breakOff();
  }

  override late(): void {
    this.underway?.late();
  }

  /** The service has answered, or broke off. */
  end(ending: Ending): void {
    if (this.isEnding) return;
    this.#over();
    if (this.heir !== undefined) {
      const [heir] = this.takeAll();
      heir?.call.end(ending);
      return;
    }
    ending.release();
    const { whole: answer } = this.exchange;
    if (answer === undefined) {
      this.#failed({ reason: 'upstream-malformed', options: undefined, endpoint: ending.endpoint });
      return;
    }
    const { bytesOut, endpoint, upstreamMs, grpcStatus, tries } = ending;
    const landing = { answer, leader: this.requestId, bytesOut, endpoint, upstreamMs, grpcStatus, tries };
    const isShared = !isOfOneCaller(answer);
    for (const [thread, turn] of this.threads) this.#tell(thread, turn, isShared ? landing : undefined);
    const all = this.takeAll();
    const isServed = (member: Member): boolean => isShared || member === this.#leader;
    land(all.filter(isServed), landing, this.#airport);
    for (const member of all) if (!isServed(member)) this.#airport.alone(member);
  }

  refuse(reason: DenialReason, options?: ProblemOptions): void {
    if (this.isEnding) return;
    if (this.heir !== undefined) {
      this.underway?.breakOff();
      return;
    }
    const { endpoint } = this;
    this.#over();
    this.#failed({ reason, options, endpoint });
  }

  /** A thread waits no more. */
  leaveThread(thread: number, turn: number): void {
    if (this.threads.get(thread) !== turn) return;
    this.threads.delete(thread);
    this.left();
  }

  protected override left(): void {
    if (!this.isEnding && this.members.size === 0 && this.threads.size === 0) this.#over();
  }

  #over(): void {
    this.isEnding = true;
    this.#airport.over(this);
    // As every call does at its end: what carried it gives back its place.
    this.underway?.abandon();
  }

  #failed(failure: Failure): void {
    for (const [thread, turn] of this.threads) this.#tell(thread, turn, failure);
    const all = this.takeAll();
    if (all.includes(this.#leader)) this.#leader.failures += 1;
    fail(all, failure, this.#airport);
  }

  /** One gets the answer as it comes; it would be too much to hold it until the slowest has read it. */
  #large(): Member['call'] | undefined {
    this.#airport.over(this);
    for (const [thread, turn] of this.threads) this.#tell(thread, turn, undefined);
    this.threads.clear();
    const all = this.takeAll();
    const heir = all.includes(this.#leader) ? this.#leader : all[0];
    if (heir === undefined) {
      // Later: whoever writes the answer is still at it.
      queueMicrotask(() => this.left());
      return undefined;
    }
    this.join(heir);
    this.heir = heir;
    if (heir !== this.#leader) {
      heir.call.leader = this.requestId;
      this.#airport.shared(heir);
    }
    queueMicrotask(() => {
      for (const member of all) if (member !== heir) this.#airport.alone(member);
    });
    return heir.call;
  }
}

/** How long the leader's client waits is no measure for the others; each call looks after its own. */
function withoutTimeout(sent: readonly string[]): string[] {
  return sent.filter((_text, at) => (sent[at - (at % 2)] as string).toLowerCase() !== 'grpc-timeout');
}
