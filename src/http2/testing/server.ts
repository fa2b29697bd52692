import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, type Head, ServerConnection, type Stream, type StreamEvents, Turn } from '../index.ts';
import { framesOf, preface, type Seen, settings } from './frames.ts';

export const testOptions: ConnectionOptions = {
  turn: new Turn(),
  windowBytes: 262_144,
  connectionWindowBytes: 1_048_576,
  streamsMax: 100,
  listBytesMax: 65_536,
  fieldsMax: 200,
};

/** Makes the events of a stream from what a test is about. */
export function eventsOf(events: Partial<StreamEvents>): StreamEvents {
  const nothing = (): void => undefined;
  return { onHead: nothing, onData: nothing, onEnd: nothing, onRoom: nothing, onClose: nothing, ...events };
}

/** Answers every request with what it was sent, its fields of `x-…`, and its trailers. */
export function echo(stream: Stream, head: Head): void {
  const fields = [':status', '200'];
  for (let at = 0; at < head.fields.length; at += 2)
    if (head.fields[at]?.startsWith('x-')) fields.push(head.fields[at] as string, head.fields[at + 1] as string);
  stream.head(fields);
  stream.events = eventsOf({
    onData: (chunk) => {
      if (!stream.write(chunk)) stream.pause();
    },
    onRoom: () => stream.resume(),
    onEnd: (trailers) => stream.end(undefined, trailers?.fields),
  });
  stream.resume();
}

export interface TestServer {
  readonly port: number;
  readonly connections: ReadonlySet<ServerConnection>;
  /** How many connections have ended. */
  ended(): number;
  close(): void;
}

/** A server of the room's own on a real port. */
export async function startServer(
  onStream: (stream: Stream, head: Head) => void = echo,
  options: Partial<ConnectionOptions> = {},
): Promise<TestServer> {
  const connections = new Set<ServerConnection>();
  const sockets = new Set<Socket>();
  let ended = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const onClosed = (): void => {
      ended += 1;
      connections.delete(connection);
    };
    const connection = new ServerConnection(socket, { ...testOptions, ...options }, { onStream, onClosed });
    connections.add(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    ended: () => ended,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A client that sends bytes and keeps what comes. */
export class RawClient {
  readonly socket: Socket;
  #bytes: Buffer[] = [];
  isClosed = false;

  constructor(port: number, { begins = true } = {}) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => this.#bytes.push(chunk));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    if (begins) this.socket.write(Buffer.concat([preface, settings]));
  }

  get frames(): Seen[] {
    return framesOf(Buffer.concat(this.#bytes));
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Waits for a frame. */
  async frame(is: (seen: Seen) => boolean): Promise<Seen> {
    return until(() => this.frames.find(is));
  }

  /** Waits for the connection's end; the code of its GOAWAY, undefined where it said nothing. */
  async ending(): Promise<number | undefined> {
    await until(() => this.isClosed || undefined);
    return this.frames.findLast(({ type }) => type === 7)?.payload.readUInt32BE(4);
  }
}

/** Polls for something; throws after a while. */
export async function until<T>(look: () => T | undefined, everyMs = 5): Promise<T> {
  const endMs = Date.now() + 15_000;
  while (Date.now() < endMs) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error('it never came');
}
