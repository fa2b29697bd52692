import { type Claims, claimed } from '../../traffic/index.ts';
import type { Carried, Load, Passenger, Underway } from './carried.ts';
import { Flight, type Tell } from './flight.ts';
import { Following } from './following.ts';
import { ByKey } from './keyed.ts';
import { sharedEntriesMax } from './limits.ts';
import { type Airport, Member, type Party } from './party.ts';
import type { Failure, Landing, PeerMessage, Peers, PeerWatch } from './peers.ts';

/** A call that may wait for its turn. */
export type Sent = Carried & { underway: Underway | undefined; queueMs: number | undefined };

export interface FlightsOptions {
  readonly claims: Claims;
  readonly peers: Peers;
  /** Sends a call on its way to a replica: through its queues. */
  readonly send: (call: Sent, load: Load) => void;
  /** A call was answered with another's answer. */
  readonly onShared: (member: Member) => void;
}

/**
 * Calls of one thread that share answers. Who is first leads: it claims the key for its thread in shared memory and goes on at once. A
 * later one finds it on its own thread, or finds by the claim which thread to ask for the answer.
 */
export class Flights implements Airport, PeerWatch {
  readonly #options: FlightsOptions;
  readonly #flights = new ByKey<Flight | Following>();
  #turn = 0;

  constructor(options: FlightsOptions) {
    this.#options = options;
    options.peers.watch = this;
  }

  /** Takes a call over, by the key under which calls are identical. */
  enter(call: Passenger, load: Load, key: Buffer): void {
    this.#enter(new Member(call, load, key));
  }

  again(members: readonly Member[]): void {
    for (const member of members) if (!member.call.isEnding) this.#enter(member);
  }

  alone({ call, load }: Member): void {
    if (!call.isEnding) this.#options.send(call, load);
  }

  shared(member: Member): void {
    this.#options.onShared(member);
  }

  over(flight: Party): void {
    const wasThere = this.#flights.delete(flight as Flight | Following);
    if (wasThere && flight instanceof Flight && this.#options.peers.size > 0) this.#options.claims.release(flight.key);
  }

  heard(thread: number, message: PeerMessage): void {
    const flight = this.#flights.get({ key: Buffer.from(message.key, 'base64'), name: message.key });
    switch (message.kind) {
      case 'join':
        if (flight instanceof Flight) flight.threads.set(thread, message.turn);
        else this.#options.peers.tell(thread, { kind: 'gone', key: message.key, turn: message.turn });
        return;
      case 'leave':
        if (flight instanceof Flight) flight.leaveThread(thread, message.turn);
        return;
      default:
        if (flight instanceof Following && flight.turn === message.turn) follow(flight, message);
    }
  }

  left(thread: number): void {
    for (const flight of this.#flights.all()) {
      if (flight instanceof Flight) flight.leaveThread(thread, flight.threads.get(thread) ?? -1);
      else if (flight.thread === thread) {
        flight.failed({ reason: 'upstream-malformed', options: undefined, endpoint: undefined });
      }
    }
  }

  #enter(member: Member): void {
    member.call.underway = member;
    const flight = this.#flights.get(member);
    if (flight !== undefined) {
      flight.join(member);
      return;
    }
    const { claims, peers } = this.#options;
    member.entries += 1;
    // Alone on the engine, or asking in vain again and again: then nobody else is asked.
    const thread = peers.size === 0 || member.entries > sharedEntriesMax ? claimed : claims.claim(member.key);
    if (thread >= 0 && peers.has(thread)) this.#follow(member, thread);
    else this.#lead(member);
  }

  #lead(member: Member): void {
    const tell: Tell = (thread, turn, end) => {
      const to = { key: member.name, turn };
      this.#options.peers.tell(thread, { ...to, ...messageOf(end) });
    };
    const flight = new Flight(member, this, tell);
    this.#flights.add(flight);
    this.#options.send(flight as Sent, member.load);
  }

  #follow(member: Member, thread: number): void {
    this.#turn += 1;
    const turn = this.#turn;
    const to = { key: member.name, turn };
    const leave = (): void => this.#options.peers.tell(thread, { ...to, kind: 'leave' });
    this.#flights.add(new Following(member, this, { thread, turn, leave }));
    this.#options.peers.tell(thread, { ...to, kind: 'join' });
  }
}

function follow(flight: Following, message: Exclude<PeerMessage, { kind: 'join' | 'leave' }>): void {
  if (message.kind === 'landed') flight.landed(message.landing);
  else if (message.kind === 'failed') flight.failed(message.failure);
  else if (message.kind === 'unshared') flight.unshared();
  else flight.gone();
}

type Told = { kind: 'unshared' } | { kind: 'landed'; landing: Landing } | { kind: 'failed'; failure: Failure };

/** A view of a part of some memory would be sent with all of that memory. */
function messageOf(end: Landing | Failure | undefined): Told {
  if (end === undefined) return { kind: 'unshared' };
  if ('reason' in end) return { kind: 'failed', failure: end };
  const { answer } = end;
  const body = answer.body === undefined ? undefined : new Uint8Array(answer.body);
  return { kind: 'landed', landing: { ...end, answer: { ...answer, body } } };
}
