import type { Socket } from 'node:net';
import { type Head, ServerConnection, type ServerHandlers } from '../../http2/index.ts';
import { isGrpc } from '../../protocols/index.ts';
import { headerCountMax } from '../../std/limits.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { connectionWindowBytes, grpcWindowBytes, parsedHeadBytesMax, silentLookMs, streamsMax } from './limits.ts';
import type { Scene } from './scene.ts';
import { addressOf } from './serve-http1.ts';

export interface Http2Options {
  readonly listener: string;
  /** After so long without any movement a stream, or a whole connection, ends. Milliseconds. */
  readonly silenceMs: number;
  /** Clients are engines of ours, each with the calls of many callers on one connection. */
  readonly isCarrier?: boolean;
}

/** Makes every stream of the connections that it is handed a call. */
export class Http2Server {
  readonly #scene: Scene;
  readonly #options: Http2Options;
  readonly #connections = new Set<ServerConnection>();
  readonly #looking: NodeJS.Timeout;
  #isClosing = false;

  constructor(scene: Scene, options: Http2Options) {
    this.#scene = scene;
    this.#options = options;
    this.#looking = setInterval(() => this.#look(), Math.min(silentLookMs, options.silenceMs / 2)).unref();
  }

  serve(socket: Socket): void {
    const scene = this.#scene;
    const { listener, isCarrier = false } = this.#options;
    const address = addressOf(socket);
    const handlers: ServerHandlers = {
      onStream(stream, head) {
        const exchange = new Http2Exchange(stream, head, address);
        const isCall = isGrpc(exchange.method, contentTypeOf(head));
        const call = scene.makeCall(scene, { listener, exchange, isGrpc: isCall });
        exchange.follow(call);
        call.start();
      },
      onClosed: () => this.#left(connection),
    };
    const connection = new ServerConnection(
      socket,
      {
        turn: scene.turn,
        windowBytes: grpcWindowBytes,
        connectionWindowBytes,
        streamsMax,
        listBytesMax: parsedHeadBytesMax,
        fieldsMax: 10 * headerCountMax,
        isCarrier,
      },
      handlers,
    );
    this.#connections.add(connection);
    if (this.#isClosing) connection.close();
  }

  /** Clients are told to go, those that are still to come, too: connections end with their last stream. */
  close(): void {
    this.#isClosing = true;
    for (const connection of [...this.#connections]) connection.close();
    if (this.#connections.size === 0) clearInterval(this.#looking);
  }

  #left(connection: ServerConnection): void {
    this.#connections.delete(connection);
    if (this.#isClosing && this.#connections.size === 0) clearInterval(this.#looking);
  }

  #look(): void {
    const { silenceMs } = this.#options;
    const sinceMs = performance.now() - silenceMs;
    for (const connection of this.#connections) {
      for (const { movedMs, events } of connection.streams.values())
        if (movedMs < sinceMs && events instanceof Http2Exchange) events.silent();
      if (connection.movedMs < sinceMs) connection.close();
    }
  }
}

function contentTypeOf({ fields }: Head): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === 'content-type') return fields[at + 1];
  return undefined;
}
