import { Client } from 'undici';
import type { Permit } from '../../gate/index.ts';
import { printHostPort } from '../../std/host-port.ts';
import { bodyBytesMax, keepAliveTimeoutMs } from '../../std/limits.ts';
import { idleClientsMax } from './limits.ts';
import type { Member, Members } from './members.ts';
import { ReplicaSets } from './replica-sets.ts';
import { connectorOf } from './upstream-socket.ts';

type Dispatch = Parameters<Client['dispatch']>;

export interface Dial {
  /** How long a new connection may take to be there. */
  readonly connectMs: number;
  readonly request: Dispatch[0];
  readonly handler: Dispatch[1];
}

/** A replica and the connections to it: undici clients of one call at a time, in a free list of our own (leaner than its Pool). */
export class Replica {
  /** `127.0.0.1:8501` */
  readonly name: string;
  readonly member: Member;
  inFlight = 0;
  readonly #idle: Client[] = [];
  #isClosed = false;

  constructor(name: string, member: Member) {
    this.name = name;
    this.member = member;
  }

  /**
   * Dials, or takes a connection that is open. The one place where an upstream is reached, and it asks for a Permit.
   * The client goes back by `done`, once for each dispatch.
   */
  dispatch(_permit: Permit, { connectMs, request, handler }: Dial): Client {
    this.inFlight += 1;
    this.member.begin();
    const client = this.#idle.pop() ?? this.#connect(connectMs);
    client.dispatch(request, handler);
    return client;
  }

  done(client: Client): void {
    this.inFlight -= 1;
    this.member.end();
    if (this.#isClosed || this.#idle.length >= idleClientsMax) void client.close();
    else this.#idle.push(client);
  }

  /** Calls in flight go on to their end. */
  close(): void {
    this.#isClosed = true;
    for (const client of this.#idle.splice(0)) void client.close();
  }

  #connect(connectMs: number): Client {
    return new Client(`http://${this.name}`, {
      connect: connectorOf(connectMs),
      keepAliveTimeout: keepAliveTimeoutMs,
      maxResponseSize: bodyBytesMax,
      pipelining: 1,
    });
  }
}

/** The replicas of every service, by their REST address. */
export class Upstreams extends ReplicaSets<Replica> {
  constructor(members: Members) {
    super(members, addressOf, (member) => {
      const name = addressOf(member);
      return name === undefined ? undefined : new Replica(name, member);
    });
  }
}

function addressOf({ rest }: Member): string | undefined {
  return rest && printHostPort(rest);
}
