import { connect, type Socket } from 'node:net';
import type { Permit } from '../../gate/index.ts';
import { ClientConnection, type ClientHandlers, PeerWatch, type Turn } from '../../http2/index.ts';
import { printHostPort } from '../../std/host-port.ts';
import { headerCountMax } from '../../std/limits.ts';
import {
  connectionWindowBytes,
  grpcWindowBytes,
  parsedHeadBytesMax,
  replicaKeepAlive,
  replicaStreamsMax,
  sessionsMax,
  smallSessionsMax,
  streamsMax,
  tcpKeepAliveMs,
} from './limits.ts';
import type { Member, Members } from './members.ts';
import { ReplicaSets } from './replica-sets.ts';

/** A connection to a replica, over HTTP/2. */
export interface Session {
  readonly http2: ClientConnection;
  inFlight: number;
}

/** What the replicas of one thread share. */
interface Shared {
  readonly turn: Turn;
  readonly watch: PeerWatch;
}

/** Hears of a session that is there to be used, or that there is none. */
export type Opened = (session: Session | undefined) => void;

/** A replica and the sessions to it. They are used again; another is opened where those that are there are full. */
export class GrpcReplica {
  readonly name: string;
  readonly member: Member;
  inFlight = 0;
  readonly inFlightMax = replicaStreamsMax;
  readonly #turn: Turn;
  readonly #watch: PeerWatch;
  readonly #sessions: Session[] = [];
  #waiting: Opened[] = [];
  #isConnecting = false;
  #isClosed = false;

  constructor(name: string, member: Member, { turn, watch }: Shared) {
    this.name = name;
    this.member = member;
    this.#turn = turn;
    this.#watch = watch;
  }

  /**
   * Finds or opens a session; a new one may take `connectMs` to be there. The one place where a replica is reached over gRPC, and it asks for a Permit. `done` once for each that
   * was given.
   */
  open(_permit: Permit, connectMs: number, then: Opened): void {
    this.inFlight += 1;
    this.member.begin();
    const session = this.#ready();
    if (session !== undefined) {
      session.inFlight += 1;
      then(session);
      return;
    }
    this.#waiting.push(then);
    if (!this.#isConnecting) this.#connect(connectMs);
  }

  done(session: Session | undefined): void {
    this.inFlight -= 1;
    this.member.end();
    if (session === undefined) return;
    session.inFlight -= 1;
    if (this.#isClosed && session.inFlight === 0) session.http2.close();
  }

  close(): void {
    this.#isClosed = true;
    for (const { http2, inFlight } of this.#sessions.splice(0)) if (inFlight === 0) http2.close();
  }

  /**
   * The first that has room, so that the others can fall idle; once no more may be opened, of those on which the replica lets more
   * streams be begun, the one with least work.
   */
  #ready(): Session | undefined {
    let least: Session | undefined;
    for (const session of this.#sessions) {
      const { streamsMax: allowed } = session.http2.peer;
      if (session.inFlight < Math.min(allowed, streamsMax)) return session;
      if (session.inFlight < allowed && (least === undefined || session.inFlight < least.inFlight)) least = session;
    }
    if (this.#sessions.length < sessionsMax) return undefined;
    return least ?? (this.#sessions.length < smallSessionsMax ? undefined : this.#sessions[0]);
  }

  #connect(connectMs: number): void {
    this.#isConnecting = true;
    const { hostname, port } = new URL(`http://${this.name}`);
    const host = hostname.replace(/^\[|\]$/g, '');
    const kept = { keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs };
    const socket = connect({ host, port: Number(port || 80), noDelay: true, ...kept });
    const late = setTimeout(() => socket.destroy(), connectMs);
    socket.once('close', () => {
      clearTimeout(late);
      if (!isOpen) this.#opened(undefined, false, connectMs);
    });
    socket.on('error', () => undefined);
    let isOpen = false;
    socket.once('connect', () => {
      const session: Session = {
        inFlight: 0,
        http2: this.#speak(socket, {
          // What the replica allows is known once its settings are here.
          onReady: () => {
            clearTimeout(late);
            isOpen = true;
            this.#opened(session, !this.#isClosed, connectMs);
          },
          // Calls on it hear of it by their streams.
          onGoaway: () => this.#leave(session),
          onClosed: () => {
            this.#watch.delete(session.http2);
            this.#leave(session);
          },
        }),
      };
      this.#watch.add(session.http2);
    });
  }

  #speak(socket: Socket, handlers: ClientHandlers): ClientConnection {
    const options = {
      turn: this.#turn,
      windowBytes: grpcWindowBytes,
      connectionWindowBytes,
      streamsMax: 0,
      listBytesMax: parsedHeadBytesMax,
      fieldsMax: 10 * headerCountMax,
    };
    return new ClientConnection(socket, options, handlers);
  }

  #leave(session: Session): void {
    const at = this.#sessions.indexOf(session);
    if (at >= 0) this.#sessions.splice(at, 1);
  }

  #opened(session: Session | undefined, isKept: boolean, connectMs: number): void {
    this.#isConnecting = false;
    if (session !== undefined && isKept) this.#sessions.push(session);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const then of waiting) {
      const found = isKept ? this.#ready() : session;
      if (found === undefined && session !== undefined) {
        this.#waiting.push(then);
        continue;
      }
      if (found !== undefined) found.inFlight += 1;
      then(found);
    }
    if (this.#waiting.length > 0 && !this.#isConnecting) this.#connect(connectMs);
  }
}

/** The replicas of every service that have a gRPC address. */
export class GrpcUpstreams extends ReplicaSets<GrpcReplica> {
  constructor(members: Members, turn: Turn) {
    const shared = { turn, watch: new PeerWatch(replicaKeepAlive) };
    super(members, addressOf, (member) => {
      const name = addressOf(member);
      return name === undefined ? undefined : new GrpcReplica(name, member, shared);
    });
  }
}

function addressOf({ grpc }: Member): string | undefined {
  return grpc && printHostPort(grpc);
}
