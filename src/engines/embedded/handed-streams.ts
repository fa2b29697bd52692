import type { DenialReason } from '../../gate/index.ts';
import type { EndedCall } from '../engine.ts';

/** A call that can be ended while it is open. */
export interface Endable {
  refuse(reason: DenialReason): void;
}

/** Calls whose messages pass as they come, that another engine has handed over and that are open: it says which of them end. */
export class HandedStreams {
  readonly #open = new Map<string, Endable>();

  add(requestId: string, call: Endable): void {
    this.#open.set(requestId, call);
  }

  delete(requestId: string): void {
    this.#open.delete(requestId);
  }

  end(calls: readonly EndedCall[]): void {
    for (const { requestId, reason } of calls) this.#open.get(requestId)?.refuse(reason);
  }
}
