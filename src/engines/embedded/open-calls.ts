import type { DenialReason, Gate, GateRequest, Permit } from '../../gate/index.ts';
import type { Clock } from '../../std/clock.ts';
import { type OpenStream, oldestStreamsMax } from '../engine.ts';
import { openLookMs, openRoundMs, openSweepMax, openTrustMs } from './limits.ts';

/** A call that is open for longer than most. */
export interface OpenCall {
  /** The last that was given for it. */
  permit: Permit;
  /** Where it stands among the open ones, and when the gate is asked about it next, since the epoch: theirs alone. */
  place: number;
  askMs: number;
  readonly sinceMs: number;
  asked(): GateRequest;
  described(): OpenStream;
  /** From time to time; `nowMs` of `performance.now()`. */
  look(nowMs: number): void;
  /** Ends it. */
  refuse(reason: DenialReason): void;
}

/** What a status says of them. */
export interface OpenCount {
  readonly byService: Readonly<Record<string, number>>;
  /** The oldest first. */
  readonly oldest: readonly OpenStream[];
}

/**
 * The calls of a worker that are open for long, and go on being so only while the policy lets them. All are looked at once in a while,
 * a few at a time; the gate is asked about one when its last answer says so, and about all once it is another gate.
 */
export class OpenCalls {
  readonly #gate: () => Gate;
  readonly #clock: Clock;
  readonly #calls: OpenCall[] = [];
  #at = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Those that are still to be looked at without delay. */
  #sweep: OpenCall[] = [];

  constructor(gate: () => Gate, clock: Clock) {
    this.#gate = gate;
    this.#clock = clock;
  }

  get size(): number {
    return this.#calls.length;
  }

  add(call: OpenCall): void {
    call.place = this.#calls.length;
    this.#calls.push(call);
    this.#timer ??= setInterval(() => this.#look(), openLookMs).unref();
    this.#ask(call);
  }

  delete(call: OpenCall): void {
    if (this.#calls[call.place] !== call) return;
    const last = this.#calls.pop() as OpenCall;
    if (last !== call) {
      this.#calls[call.place] = last;
      last.place = call.place;
    }
    call.place = -1;
    if (this.#calls.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Another gate decides. */
  swapped(): void {
    this.#askAbout([...this.#calls]);
  }

  /** What is known of these callers' credentials may have changed. */
  revoked(ids: ReadonlySet<string>): void {
    this.#askAbout(this.#calls.filter(({ permit: { fields } }) => ids.has(fields.identity?.id ?? '')));
  }

  count(): OpenCount {
    const byService: Record<string, number> = {};
    for (const { permit } of this.#calls) {
      const { service } = permit.fields.operation;
      byService[service] = (byService[service] ?? 0) + 1;
    }
    const oldest = [...this.#calls].sort((one, other) => one.sinceMs - other.sinceMs).slice(0, oldestStreamsMax);
    return { byService, oldest: oldest.map((call) => call.described()) };
  }

  /** One part of a round. */
  #look(): void {
    const [nowMs, movedMs] = [this.#clock.now(), performance.now()];
    for (let left = Math.ceil((this.#calls.length * openLookMs) / openRoundMs); left > 0; left -= 1) {
      this.#at = this.#at + 1 < this.#calls.length ? this.#at + 1 : 0;
      const call = this.#calls[this.#at];
      if (call === undefined) return;
      call.look(movedMs);
      if (call.askMs <= nowMs) this.#ask(call);
    }
  }

  #askAbout(calls: OpenCall[]): void {
    const isUnderWay = this.#sweep.length > 0;
    this.#sweep = isUnderWay ? [...new Set([...this.#sweep, ...calls])] : calls;
    if (!isUnderWay) this.#goOn();
  }

  /** Many at once would hold up all that is on its way. */
  #goOn(): void {
    for (const call of this.#sweep.splice(-openSweepMax)) if (call.place >= 0) this.#ask(call);
    if (this.#sweep.length > 0) setImmediate(() => this.#goOn());
  }

  #ask(call: OpenCall): void {
    const answer = this.#gate().again(call.permit, call.asked());
    if (answer.kind === 'denial') {
      call.refuse(answer.reason);
      return;
    }
    call.permit = answer;
    call.askMs = Math.min(answer.fields.keepUntilMs, this.#clock.now() + openTrustMs);
  }
}
