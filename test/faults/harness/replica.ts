import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePort } from './ports.ts';

/** Model → its version, and how long that takes to load each time the process starts. */
export type LoadedModels = Readonly<Record<string, { readonly version: string; readonly loadMs: number }>>;

/** A replica in a process of its own, that can be killed and frozen. Its answers name it. */
export class ReplicaProcess {
  readonly port: number;
  readonly #models: LoadedModels | undefined;
  #child: ChildProcess | undefined;

  private constructor(port: number, models: LoadedModels | undefined) {
    this.port = port;
    this.#models = models;
  }

  /** With models it tells their states, and answers for a version only once that is loaded. Else it answers everything. */
  static async start(models?: LoadedModels): Promise<ReplicaProcess> {
    const replica = new ReplicaProcess(await freePort(), models);
    await replica.start();
    return replica;
  }

  async start(): Promise<void> {
    const models = this.#models === undefined ? [] : [JSON.stringify(this.#models)];
    const words = [String(this.port), ...models];
    const child = fork(join(import.meta.dirname, 'replica-process.ts'), words, { stdio: 'inherit' });
    this.#child = child;
    await once(child, 'message');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill9(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

export interface BadReplica {
  readonly port: number;
  close(): Promise<void>;
}

/** What a bad replica does with a connection, once a request has begun to arrive on it. */
export const badManners = {
  garbage: (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\nnot HTTP at all\r\n\r\n'),
  'bad-status': (socket: Socket) => socket.end('HTTP/1.1 abc OK\r\ncontent-length: 2\r\n\r\n{}'),
  silent: (socket: Socket) => socket.end(),
  'mid-head': (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'),
  'mid-body': (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"predictions":'),
  'mid-chunk': (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{"pre'),
  reset: (socket: Socket) => socket.resetAndDestroy(),
} as const;

export type BadManner = keyof typeof badManners;

export async function startBadReplica(manner: BadManner): Promise<BadReplica> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => badManners[manner](socket));
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
