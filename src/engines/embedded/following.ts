import { type Airport, fail, land, type Member, Party } from './party.ts';
import type { Failure, Landing } from './peers.ts';

/** What calls of this thread wait for that another thread leads. */
export class Following extends Party {
  readonly thread: number;
  readonly turn: number;
  readonly #airport: Airport;
  readonly #leave: (following: Following) => void;

  constructor(
    first: Member,
    airport: Airport,
    { thread, turn, leave }: { thread: number; turn: number; leave: (following: Following) => void },
  ) {
    super(first);
    this.thread = thread;
    this.turn = turn;
    this.#airport = airport;
    this.#leave = leave;
    this.join(first);
  }

  landed(landing: Landing): void {
    this.#airport.over(this);
    land(this.takeAll(), landing, this.#airport);
  }

  failed(failure: Failure): void {
    this.#airport.over(this);
    fail(this.takeAll(), failure, this.#airport);
  }

  unshared(): void {
    this.#airport.over(this);
    for (const member of this.takeAll()) this.#airport.alone(member);
  }

  /** The leader was over before it heard of these. */
  gone(): void {
    this.#airport.over(this);
    this.#airport.again(this.takeAll());
  }

  protected override left(): void {
    if (this.members.size > 0) return;
    this.#airport.over(this);
    this.#leave(this);
  }
}
