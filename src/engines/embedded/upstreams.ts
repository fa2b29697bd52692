import { Client } from 'undici';
import type { Permit } from '../../gate/index.ts';
import { type HostPort, printHostPort } from '../../std/host-port.ts';
import { bodyBytesMax, keepAliveTimeoutMs } from '../../std/limits.ts';
import { idleClientsMax, replicaConnectionsMax } from './limits.ts';
import type { Member, Members } from './members.ts';
import { ReplicaSets } from './replica-sets.ts';
import { isPlain, PlainClient, type PlainRequest } from './upstream-client.ts';
import type { AnswerHandler } from './upstream-line.ts';

type Dispatch = Parameters<Client['dispatch']>;

export interface Dial {
  /** How long a new connection may take to be there. */
  readonly connectMs: number;
  readonly request: PlainRequest | Dispatch[0];
  /** Of undici, or of ours: names and values come as bytes or as texts. */
  readonly handler: AnswerHandler;
  /** The request came over HTTP/1, so that its fields are known to be fields. */
  readonly isHttp1: boolean;
}

/** A connection to a replica, or what makes one. */
export type UpstreamClient = Client | PlainClient;

/** A replica and the connections to it: clients of one call at a time, in free lists of our own (leaner than undici's Pool). */
export class Replica {
  /** `127.0.0.1:8501` */
  readonly name: string;
  readonly member: Member;
  inFlight = 0;
  readonly inFlightMax = replicaConnectionsMax;
  readonly #address: HostPort;
  readonly #idle: Client[] = [];
  readonly #idlePlain: PlainClient[] = [];
  #isClosed = false;

  constructor(address: HostPort, member: Member) {
    this.name = printHostPort(address);
    this.#address = address;
    this.member = member;
  }

  /**
   * Dials, or takes a connection that is open. The one place where an upstream is reached, and it asks for a Permit.
   * The client goes back by `done`, once for each dispatch.
   */
  dispatch(_permit: Permit, { connectMs, request, handler, isHttp1 }: Dial): UpstreamClient {
    this.inFlight += 1;
    this.member.begin();
    if (isHttp1 && isPlain(request as PlainRequest)) {
      const plain = this.#idlePlain.pop() ?? new PlainClient(this.#address, connectMs);
      plain.dispatch(request as PlainRequest, handler);
      return plain;
    }
    const client = this.#idle.pop() ?? this.#connect(connectMs);
    client.dispatch(request as Dispatch[0], handler as unknown as Dispatch[1]);
    return client;
  }

  done(client: UpstreamClient): void {
    this.inFlight -= 1;
    this.member.end();
    const idle: UpstreamClient[] = client instanceof PlainClient ? this.#idlePlain : this.#idle;
    if (this.#isClosed || idle.length >= idleClientsMax) void client.close();
    else idle.push(client);
  }

  /** Calls in flight go on to their end. */
  close(): void {
    this.#isClosed = true;
    for (const client of [...this.#idle.splice(0), ...this.#idlePlain.splice(0)]) void client.close();
  }

  #connect(connectMs: number): Client {
    return new Client(`http://${this.name}`, {
      connectTimeout: connectMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxResponseSize: bodyBytesMax,
      pipelining: 1,
    });
  }
}

/** The replicas of every service, by their REST address. */
export class Upstreams extends ReplicaSets<Replica> {
  constructor(members: Members) {
    super(
      members,
      ({ rest }) => rest && printHostPort(rest),
      (member) => member.rest && new Replica(member.rest, member),
    );
  }
}
