import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ClientConnection, type Head, type Stream } from '../../src/http2/index.ts';
import { streamEvents, streamOptions } from './stream-upstream.ts';

/** A call as its client sees it. */
export class MadeCall {
  stream!: Stream;
  head: Head | undefined;
  trailers: Head | undefined;
  bytesIn = 0;
  readonly received: Buffer[] = [];
  /** Once it is over: how it came to its end. */
  code: number | undefined;
  onRoom: () => void = () => undefined;
  onData: (chunk: Buffer) => void = (chunk) => void this.received.push(chunk);

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  /** Of the trailers, or of a head that is all there is. */
  get status(): string | undefined {
    return this.field('grpc-status');
  }

  field(name: string): string | undefined {
    return valueIn(this.trailers, name) ?? valueIn(this.head, name);
  }

  write(bytes: Buffer): boolean {
    return this.stream.write(bytes);
  }

  end(bytes?: Buffer): void {
    this.stream.end(bytes);
  }

  reset(code: number): void {
    this.stream.reset(code);
  }
}

function valueIn(head: Head | undefined, name: string): string | undefined {
  const at = head?.fields.findIndex((text, index) => index % 2 === 0 && text === name) ?? -1;
  return at < 0 ? undefined : head?.fields[at + 1];
}

export interface MakeCall {
  readonly path: string;
  /** Name, value, name, value… */
  readonly fields?: readonly string[];
  readonly authority?: string;
}

/** One connection of a client that may do whatever HTTP/2 lets it. */
export class StreamClient implements Disposable {
  readonly connection: ClientConnection;
  readonly socket: Socket;
  isGoing = false;
  isClosed = false;

  private constructor(socket: Socket, onReady: () => void, windowBytes: number) {
    this.socket = socket;
    const options = { ...streamOptions, windowBytes };
    this.connection = new ClientConnection(socket, options, {
      onReady,
      onGoaway: () => {
        this.isGoing = true;
      },
      onClosed: () => {
        this.isClosed = true;
      },
    });
  }

  /** `ca`: over TLS. */
  static open(port: number, { ca, windowBytes = 262_144 }: { ca?: string; windowBytes?: number } = {}) {
    return new Promise<StreamClient>((resolve, reject) => {
      const socket =
        ca === undefined
          ? connectTcp(port, '127.0.0.1')
          : connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['h2'] });
      socket.once('error', reject);
      socket.once(ca === undefined ? 'connect' : 'secureConnect', () => {
        const client: StreamClient = new StreamClient(socket, () => resolve(client), windowBytes);
      });
    });
  }

  call({ path, fields = [], authority = 'orders.test' }: MakeCall): MadeCall {
    const call = new MadeCall();
    const named = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', authority];
    const stream = this.connection.request({
      fields: [...named, 'content-type', 'application/grpc', 'te', 'trailers', ...fields],
      events: streamEvents({
        onHead: (head) => {
          call.head = head;
        },
        onData: (chunk) => {
          call.bytesIn += chunk.length;
          call.onData(Buffer.from(chunk));
        },
        onEnd: (trailers) => {
          call.trailers = trailers;
        },
        onRoom: () => call.onRoom(),
        onClose: (code) => {
          call.code = code;
        },
      }),
    });
    if (stream === undefined) throw new Error('no stream may be begun');
    call.stream = stream;
    return call;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
