import type { DenialReason, Permit } from '../../gate/index.ts';
import { trafficOf } from '../../plan/index.ts';
import type { UpstreamPlan } from '../../plan/types.ts';
import { Claims } from '../../traffic/index.ts';
import type { BoardingMemory } from './boarding-watch.ts';
import type { Load, Passenger, Underway } from './carried.ts';
import { Flights, type Sent } from './flights.ts';
import { sharedBodyBytesMax } from './limits.ts';
import { Peers } from './peers.ts';
import { nameOfQueue, type QueueNumbers, Queues, type Turn, type TurnTaker } from './queues.ts';
import { type Share, sharingKey } from './sharing-key.ts';
import { TrafficCounts } from './traffic-counts.ts';

export interface BoardingOptions {
  readonly memory: BoardingMemory;
  /** This thread's number among those that share the memory. */
  readonly thread: number;
}

/**
 * What stands between a permitted call and its way to a replica, for whoever permitted it: one call for those that ask the same, and
 * the turn of that one in its queues. A call for which the Plan has neither goes straight on.
 */
export class Boarding {
  readonly peers = new Peers();
  readonly queues: Queues;
  readonly #counts: TrafficCounts;
  readonly #flights: Flights;
  /** By `nameOfQueue`. */
  #shares: ReadonlyMap<string, Share> = new Map();

  constructor({ memory, thread }: BoardingOptions) {
    this.queues = new Queues(memory.queues, thread);
    this.#counts = new TrafficCounts(memory.counts);
    this.#flights = new Flights({
      claims: new Claims(memory.claims, thread),
      peers: this.peers,
      send: (call, load) => this.#send(call, load),
      onShared: ({ load }) => this.#counts.add(load.permit.fields.operation.service, 'coalesced'),
    });
  }

  /** Takes up a Plan's; what is counted stays, and calls that are on their way go on. */
  apply(upstreams: readonly UpstreamPlan[], numbers: QueueNumbers): void {
    this.queues.apply(upstreams, numbers);
    this.#counts.numbers = numbers;
    const shares = new Map<string, Share>();
    for (const upstream of upstreams) {
      for (const model of Object.keys(upstream.models ?? {})) {
        const { repeats, sequence } = trafficOf(upstream).model(model);
        if (repeats && !sequence) shares.set(nameOfQueue(upstream.service, model), repeats.share);
      }
    }
    this.#shares = shares;
  }

  /** Whether such a call is to be refused `queue-full` before its body is read; counts it where it is. */
  turnsAway(permit: Permit): boolean {
    const { service, model } = permit.fields.operation;
    // It may get the answer of a call that has its place.
    const isFull = this.#shareOf(permit) === undefined && this.queues.isFull(service, model);
    if (isFull) this.#counts.add(service, 'queueFull');
    return isFull;
  }

  /**
   * Takes over a permitted call; sets `passenger.underway`. The passenger is ended once: by an answer, by a refusal (`queue-full`,
   * `queue-timeout`, whatever its way to a replica ends with), or by itself, which is heard by `abandon`.
   */
  carry(passenger: Passenger, load: Load): void {
    const { permit, held: body } = load;
    const share = this.#shareOf(permit);
    if (share === undefined || body === undefined || (body?.length ?? 0) > sharedBodyBytesMax) {
      this.#send(passenger, load);
      return;
    }
    this.#flights.enter(passenger, load, sharingKey(passenger, permit, { share, body }));
  }

  #shareOf({ fields: { operation } }: Permit): Share | undefined {
    const { service, model, safe } = operation;
    if (this.#shares.size === 0 || model === undefined || !safe) return undefined;
    return this.#shares.get(nameOfQueue(service, model));
  }

  #send(call: Sent, load: Load): void {
    const { service, model } = load.permit.fields.operation;
    if (!this.queues.has(service, model)) {
      call.underway = load.dial(call);
      return;
    }
    const queued = new Queued(call, load, (reason) => {
      this.#counts.add(service, reason === 'queue-full' ? 'queueFull' : 'queueTimeouts');
    });
    queued.start(this.queues.turn(service, model, queued));
  }
}

/** A call that waits for its turn, and then is on its way. It gives its places back when it is over, however that comes about. */
class Queued implements Underway, TurnTaker {
  readonly #call: Sent;
  readonly #load: Load;
  readonly #onRefused: (reason: DenialReason) => void;
  #turn: Turn | undefined;
  #inner: Underway | undefined;

  constructor(call: Sent, load: Load, onRefused: (reason: DenialReason) => void) {
    this.#call = call;
    this.#load = load;
    this.#onRefused = onRefused;
    call.underway = this;
  }

  get hasBegun(): boolean {
    return this.#inner?.hasBegun ?? false;
  }

  get bytesOut(): number {
    return this.#inner?.bytesOut ?? 0;
  }

  get endpoint(): string | undefined {
    return this.#inner?.endpoint;
  }

  get tries(): number | undefined {
    return this.#inner?.tries;
  }

  start(turn: Turn): void {
    this.#turn = turn;
    turn.start();
  }

  passed(waitedMs: number | undefined): void {
    if (waitedMs !== undefined) this.#call.queueMs = waitedMs;
    this.#inner = this.#load.dial(this.#call);
  }

  refused(reason: DenialReason, waitedMs: number | undefined): void {
    if (waitedMs !== undefined) this.#call.queueMs = waitedMs;
    this.#onRefused(reason);
    this.#call.refuse(reason);
  }

  abandon(): void {
    this.#turn?.over();
    this.#inner?.abandon();
  }

  breakOff(): void {
    this.#inner?.breakOff();
  }

  late(): void {
    this.#inner?.late();
  }
}
