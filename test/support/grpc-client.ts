import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  type SecureClientSessionOptions,
} from 'node:http2';

/** How a call ended, as a gRPC client sees it. */
export interface GrpcEnd {
  /** HTTP status; undefined: none came. */
  readonly status: number | undefined;
  readonly grpcStatus: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>> | undefined;
  readonly body: Buffer;
  /** Code of the reset; 0: none. */
  readonly reset: number;
  /** Where the answer was one block of header fields. */
  readonly isTrailersOnly: boolean;
}

export interface GrpcCallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent one after the other, `pauseMs` apart. */
  readonly chunks: readonly Buffer[];
  readonly pauseMs?: number;
  /** The body has no end. */
  readonly isOpen?: boolean;
  /** Reset this long after what there is was sent. */
  readonly cancelMs?: number;
}

/** One connection over HTTP/2 on which messages can be sent that no library would send. */
export class RawGrpc implements Disposable {
  readonly session: ClientHttp2Session;

  constructor(origin: string, options: ClientSessionOptions | SecureClientSessionOptions = {}) {
    this.session = connect(origin, options);
    this.session.on('error', () => undefined);
  }

  call(
    path: string,
    { headers = {}, chunks, pauseMs = 0, isOpen = false, cancelMs }: GrpcCallOptions,
  ): Promise<GrpcEnd> {
    // Node's own `close` would end the message first.
    const cancelling = new AbortController();
    const fields = { ':method': 'POST', ':path': path, te: 'trailers', 'content-type': 'application/grpc', ...headers };
    const stream = this.session.request(fields, { signal: cancelling.signal });
    const seen: {
      status?: number;
      headers: GrpcEnd['headers'];
      trailers?: GrpcEnd['headers'];
      isTrailersOnly: boolean;
    } = {
      headers: {},
      isTrailersOnly: false,
    };
    const body: Buffer[] = [];
    stream.on('response', (found, flags) => {
      seen.status = Number(found[':status']);
      seen.headers = found;
      seen.isTrailersOnly = (flags & 1) !== 0;
    });
    stream.on('trailers', (found) => {
      seen.trailers = found;
    });
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('error', () => undefined);
    void this.#send(stream, chunks, pauseMs).then(() => {
      if (!isOpen && !stream.destroyed) stream.end();
      if (cancelMs !== undefined) setTimeout(() => cancelling.abort(), cancelMs);
    });
    return new Promise((resolve) => {
      stream.on('close', () => {
        const { status, trailers, isTrailersOnly } = seen;
        const grpcStatus = trailers?.['grpc-status'] ?? seen.headers['grpc-status'];
        resolve({
          status,
          grpcStatus: grpcStatus === undefined ? undefined : String(grpcStatus),
          headers: seen.headers,
          trailers,
          body: Buffer.concat(body),
          reset: stream.rstCode ?? 0,
          isTrailersOnly,
        });
      });
    });
  }

  async #send(stream: ReturnType<ClientHttp2Session['request']>, chunks: readonly Buffer[], pauseMs: number) {
    for (const chunk of chunks) {
      if (stream.destroyed || stream.writableEnded) return;
      if (!stream.write(chunk)) await drained(stream);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  close(): void {
    this.session.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Or closed. */
function drained(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
