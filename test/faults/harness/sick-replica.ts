import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.ts';

/**
 * `slow`: predictions are answered after 3 s, questions about models at once. `silent`: requests are read, and nothing is answered.
 * `busy`: predictions are answered by 503.
 */
export type SickMode = 'well' | 'slow' | 'silent' | 'busy';

export interface SickOrder {
  readonly mode: SickMode;
}

/** A connection that isn't there after this long won't be: the backlog is full. */
const connectMsMax = 400;
/** Connections that the kernel holds for one that accepts none: as many as usual; or few, so that they can be had all. */
const backlogs = { usual: 511, small: 4 } as const;
const idleMax = 4 * backlogs.small;

/** A replica in a process of its own that can be made sick in several ways, and well again. It has every model. */
export class SickReplica {
  readonly port: number;
  readonly #backlog: number;
  /** Predictions that reached it, by model, over all its lives. */
  readonly reached = new Map<string, number>();
  #child: ChildProcess | undefined;
  readonly #idle: Socket[] = [];

  private constructor(port: number, backlog: keyof typeof backlogs) {
    this.port = port;
    this.#backlog = backlogs[backlog];
  }

  static async start(backlog: keyof typeof backlogs = 'usual'): Promise<SickReplica> {
    const replica = new SickReplica(await freePort(), backlog);
    await replica.start();
    return replica;
  }

  async start(): Promise<void> {
    const words = [String(this.port), String(this.#backlog)];
    const child = fork(join(import.meta.dirname, 'sick-replica-process.ts'), words, { stdio: 'inherit' });
    this.#child = child;
    await once(child, 'message');
    child.on('message', (message: { model?: string }) => {
      if (message.model !== undefined) this.reached.set(message.model, this.reachedBy(message.model) + 1);
    });
  }

  reachedBy(model: string): number {
    return this.reached.get(model) ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async tell(mode: SickMode): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error('it does not run');
    const order: SickOrder = { mode };
    // Messages come several at a time: none may be missed.
    await new Promise<void>((done) => {
      const hear = (message: { mode?: SickMode }): void => {
        if (message.mode !== mode) return;
        child.off('message', hear);
        done();
      };
      child.on('message', hear);
      child.send(order);
    });
  }

  /** It is stopped, and its backlog, a small one, is full: whoever connects waits. */
  async fill(): Promise<void> {
    this.signal('SIGSTOP');
    while (this.#idle.length < idleMax) {
      const socket = connect(this.port, '127.0.0.1').on('error', () => undefined);
      this.#idle.push(socket);
      const isFull = (await Promise.race([once(socket, 'connect'), sleep(connectMsMax, 'full')])) === 'full';
      if (isFull) return;
    }
    throw new Error('its backlog does not fill');
  }

  /** After `fill`. */
  empty(): void {
    for (const socket of this.#idle.splice(0)) socket.destroy();
    this.signal('SIGCONT');
  }

  async kill9(): Promise<void> {
    for (const socket of this.#idle.splice(0)) socket.destroy();
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
