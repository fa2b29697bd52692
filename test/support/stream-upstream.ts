import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  errorCodes,
  type Head,
  ServerConnection,
  type Stream,
  type StreamEvents,
  Turn,
} from '../../src/http2/index.ts';

export const streamOptions: ConnectionOptions = {
  turn: new Turn(),
  windowBytes: 262_144,
  connectionWindowBytes: 1_048_576,
  streamsMax: 1000,
  listBytesMax: 65_536,
  fieldsMax: 200,
};

/** Makes the events of a stream from what a test is about. */
export function streamEvents(events: Partial<StreamEvents>): StreamEvents {
  const nothing = (): void => undefined;
  return { onHead: nothing, onData: nothing, onEnd: nothing, onRoom: nothing, onClose: nothing, ...events };
}

/** A call as a replica sees it, and what it answers it with. */
export class ServedCall {
  readonly head: Head;
  readonly stream: Stream;
  readonly received: Buffer[] = [];
  isEnded = false;
  /** Once it is over: how it came to its end. */
  code: number | undefined;

  constructor(stream: Stream, head: Head) {
    this.stream = stream;
    this.head = head;
    stream.events = streamEvents({
      onData: (chunk) => this.onData(Buffer.from(chunk)),
      onEnd: () => {
        this.isEnded = true;
        this.onEnd();
      },
      onRoom: () => this.onRoom(),
      onClose: (code) => {
        this.code = code;
      },
    });
    stream.resume();
  }

  onData: (chunk: Buffer) => void = (chunk) => void this.received.push(chunk);
  onEnd: () => void = () => undefined;
  onRoom: () => void = () => undefined;

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  get wasCancelled(): boolean {
    return this.code === errorCodes.cancel;
  }

  /** All values of a field, in order. */
  values(name: string): string[] {
    return this.head.fields.filter((_text, at) => at % 2 === 1 && this.head.fields[at - 1] === name);
  }

  begin(...fields: readonly string[]): void {
    this.stream.head([':status', '200', 'content-type', 'application/grpc', ...fields]);
  }

  send(bytes: Buffer): boolean {
    return this.stream.write(bytes);
  }

  end(status: number, ...fields: readonly string[]): void {
    this.stream.end(undefined, ['grpc-status', String(status), ...fields]);
  }

  /** Trailers-Only. */
  only(status: number, ...fields: readonly string[]): void {
    const head = [':status', '200', 'content-type', 'application/grpc', 'grpc-status', String(status), ...fields];
    this.stream.head(head, true);
  }
}

export interface StreamUpstream {
  readonly port: number;
  readonly calls: ServedCall[];
  readonly connections: number;
  /** What is done with each call from now on. Default: it is sent back what it sends, and ends as it ends. */
  serve: (call: ServedCall) => void;
  /** Says goodbye on every connection. */
  goaway(): void;
  close(): void;
}

/** Sends back what it is sent, as it comes. */
export function echo(call: ServedCall): void {
  call.begin('x-initial', 'one');
  call.onData = (chunk) => {
    if (!call.send(chunk)) call.stream.pause();
  };
  call.onRoom = () => call.stream.resume();
  call.onEnd = () => call.end(0, 'x-trailing', 'two', 'grpc-message', 'well');
}

/** A gRPC service over the room http2 whose every frame a test has in its hand. */
export async function startStreamUpstream(): Promise<StreamUpstream> {
  const calls: ServedCall[] = [];
  const connections = new Set<ServerConnection>();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const onClosed = (): void => void connections.delete(connection);
    const onStream = (stream: Stream, head: Head): void => {
      const call = new ServedCall(stream, head);
      calls.push(call);
      upstream.serve(call);
    };
    const connection = new ServerConnection(socket, streamOptions, { onStream, onClosed });
    connections.add(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream: StreamUpstream = {
    port: (server.address() as AddressInfo).port,
    calls,
    get connections() {
      return connections.size;
    },
    serve: echo,
    goaway() {
      for (const connection of connections) connection.close();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return upstream;
}
