import type { MessagePort } from 'node:worker_threads';
import type { DenialReason, ProblemOptions } from '../../gate/index.ts';
import type { HeldAnswer } from './shared-answer.ts';

/** How the call of a leader went that was answered. */
export interface Landing {
  readonly answer: HeldAnswer;
  /** Id of the leader's request. */
  readonly leader: string;
  readonly bytesOut: number;
  readonly endpoint: string | undefined;
  readonly upstreamMs: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly tries: number | undefined;
}

/** How one went that failed before it was answered. */
export interface Failure {
  readonly reason: DenialReason;
  readonly options: ProblemOptions | undefined;
  readonly endpoint: string | undefined;
}

/** What threads tell each other of a call that one of them leads. `turn` tells one wait of a thread from its next for the same. */
export type PeerMessage = { readonly key: string; readonly turn: number } & (
  | { readonly kind: 'join' | 'leave' }
  /** To a thread that joined: the answer; a failure; that the answer can't be shared; that there was no such call any more. */
  | { readonly kind: 'landed'; readonly landing: Landing }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'unshared' | 'gone' }
);

export interface PeerWatch {
  heard(thread: number, message: PeerMessage): void;
  /** The thread has ended. */
  left(thread: number): void;
}

/** The other threads of the engine, each by a port of its own. */
export class Peers {
  readonly #ports = new Map<number, MessagePort>();
  watch: PeerWatch | undefined;

  get size(): number {
    return this.#ports.size;
  }

  has(thread: number): boolean {
    return this.#ports.has(thread);
  }

  add(thread: number, port: MessagePort): void {
    this.#ports.set(thread, port);
    port.on('message', (message: PeerMessage) => this.watch?.heard(thread, message));
    port.on('close', () => {
      // Its successor may have its number by now.
      if (this.#ports.get(thread) === port) this.#ports.delete(thread);
      this.watch?.left(thread);
    });
    port.unref();
  }

  tell(thread: number, message: PeerMessage): void {
    this.#ports.get(thread)?.postMessage(message);
  }
}
