import type { EngineContext } from '../engine.ts';

/**
 * Listening sockets that were handed over, one for each worker of each listener. A worker takes its own to its end: a worker that is
 * started in its place finds none, and the engine has to be started anew, which is the service manager's work.
 */
export class HandedOver {
  readonly #sockets: Readonly<Record<string, number[]>>;
  readonly #isEmpty: boolean;

  constructor(sockets: EngineContext['sockets'] = {}) {
    this.#sockets = Object.fromEntries(Object.entries(sockets).map(([name, all]) => [name, [...all]]));
    this.#isEmpty = Object.keys(sockets).length === 0;
  }

  has(listener: string): boolean {
    return Object.hasOwn(this.#sockets, listener);
  }

  /** Workers that there can be: as many as each listener has sockets. Throws where listeners differ. */
  workers(otherwise: number): number {
    if (this.#isEmpty) return otherwise;
    const counts = new Set(Object.values(this.#sockets).map((all) => all.length));
    const [count = 0] = counts;
    if (counts.size !== 1)
      throw new Error('each listener needs as many handed-over sockets as the others: one for each worker');
    return count;
  }

  /** One socket of each listener. Throws where they are used up. */
  take(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#sockets).map(([name, all]) => [name, next(name, all)]));
  }
}

function next(name: string, sockets: number[]): number {
  const socket = sockets.shift();
  if (socket === undefined)
    throw new Error(`the handed-over sockets of listener ${name} are used up: it has to be started anew`);
  return socket;
}
