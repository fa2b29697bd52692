import type { Socket } from 'node:net';
import { type Head, PeerWatch, ServerConnection, type ServerHandlers } from '../../http2/index.ts';
import type { ConnectionAgePlan } from '../../plan/types.ts';
import { isGrpc } from '../../protocols/index.ts';
import { headerCountMax } from '../../std/limits.ts';
import { Http2Exchange } from './http2-exchange.ts';
import {
  ageJitter,
  clientKeepAlive,
  connectionWindowBytes,
  grpcWindowBytes,
  parsedHeadBytesMax,
  silentLookMs,
  streamsMax,
} from './limits.ts';
import type { Scene } from './scene.ts';
import { addressOf } from './serve-http1.ts';

export interface Http2Options {
  readonly listener: string;
  /** After so long without any movement a stream, or a whole connection, ends. Milliseconds. */
  readonly silenceMs: number;
  /** Clients are engines of ours, each with the calls of many callers on one connection. */
  readonly isCarrier?: boolean;
}

/** Until when a connection may begin calls, and until when those go on; `Infinity`: for good. Of `performance.now()`. */
interface Life {
  readonly goMs: number;
  readonly endMs: number;
}

const endless: Life = { goMs: Number.POSITIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };

/** Makes every stream of the connections that it is handed a call. */
export class Http2Server {
  readonly #scene: Scene;
  readonly #options: Http2Options;
  /** Of connections that come from now on; undefined: they don't age. */
  age: ConnectionAgePlan | undefined;
  readonly #connections = new Map<ServerConnection, Life>();
  readonly #looking: NodeJS.Timeout;
  readonly #watch = new PeerWatch(clientKeepAlive);
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
    this.#connections.set(connection, this.age === undefined ? endless : lifeOf(this.age));
    this.#watch.add(connection);
    if (this.#isClosing) connection.close();
  }

  /** Clients are told to go, those that are still to come, too: connections end with their last stream. */
  close(): void {
    this.#isClosing = true;
    for (const connection of [...this.#connections.keys()]) connection.close();
    if (this.#connections.size === 0) clearInterval(this.#looking);
  }

  /** What is open ends, with an answer that says why. */
  endCalls(): void {
    for (const connection of this.#connections.keys()) endCallsOf(connection);
  }

  #left(connection: ServerConnection): void {
    this.#connections.delete(connection);
    this.#watch.delete(connection);
    if (this.#isClosing && this.#connections.size === 0) clearInterval(this.#looking);
  }

  #look(): void {
    const { silenceMs } = this.#options;
    const nowMs = performance.now();
    const sinceMs = nowMs - silenceMs;
    for (const [connection, { goMs, endMs }] of this.#connections) {
      if (goMs <= nowMs) connection.close();
      if (endMs <= nowMs) endCallsOf(connection);
      for (const { movedMs, events } of connection.streams.values())
        if (movedMs < sinceMs && events instanceof Http2Exchange) events.silent();
      // What is open may be silent for as long as its call says.
      if (connection.movedMs < sinceMs && connection.streams.size === 0) connection.close();
    }
  }
}

function lifeOf({ afterMs, graceMs = Number.POSITIVE_INFINITY }: ConnectionAgePlan): Life {
  const goMs = performance.now() + afterMs * (1 + ageJitter * (2 * Math.random() - 1));
  return { goMs, endMs: goMs + graceMs };
}

function endCallsOf(connection: ServerConnection): void {
  for (const { events } of [...connection.streams.values()]) if (events instanceof Http2Exchange) events.letGo();
}

function contentTypeOf({ fields }: Head): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === 'content-type') return fields[at + 1];
  return undefined;
}
