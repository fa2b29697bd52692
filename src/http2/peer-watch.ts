import { errorCodes } from './codes.ts';
import type { Connection } from './connection.ts';
import { peerLookMs } from './limits.ts';

/** How it is found out that a peer is gone without a word. Milliseconds. */
export interface KeepAlive {
  /** A peer is asked once nothing came from it for so long, while streams are open. */
  readonly quietMs: number;
  /** Not more often than this: servers of gRPC end connections on which they are asked too often. */
  readonly everyMs: number;
  /** It is taken for gone where it sends nothing at all for so long after that. */
  readonly answerMs: number;
}

/** Asks peers that are silent for a sign of life, and ends the connections to those that give none: all by one timer. */
export class PeerWatch {
  readonly #keepAlive: KeepAlive;
  readonly #connections = new Set<Connection>();
  readonly #lookMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive;
    this.#lookMs = Math.min(peerLookMs, keepAlive.quietMs / 2, keepAlive.answerMs / 2);
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs).unref();
  }

  delete(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) this.#lookAt(connection, nowMs);
  }

  #lookAt(connection: Connection, nowMs: number): void {
    const { quietMs, everyMs, answerMs } = this.#keepAlive;
    const { asked, movedMs } = connection;
    if (asked.ms > movedMs) {
      // Counted by looks, between which all was read: a thread that stood still is no silence of the peer.
      asked.looks += 1;
      if (asked.looks * this.#lookMs >= answerMs) connection.destroy(errorCodes.none);
      return;
    }
    if (connection.streams.size === 0 || nowMs - movedMs < quietMs || nowMs - asked.ms < everyMs) return;
    asked.ms = nowMs;
    asked.looks = 0;
    connection.ping(() => undefined);
  }
}
