import type { Socket } from 'node:net';
import { clientPreface, errorCodes, windowBytesMax } from './codes.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Head } from './head.ts';
import { Stream, type StreamEvents } from './stream.ts';

export interface ClientHandlers {
  /** The server has said what it allows: streams may be opened. */
  onReady(): void;
  /** The server takes no new streams. */
  onGoaway(): void;
  /** The connection is over; its streams have heard of it. */
  onClosed(): void;
}

export interface RequestOptions {
  /** Pseudo-header fields first. */
  readonly fields: readonly string[];
  /** Names of fields that may enter no table. */
  readonly sensitive?: ReadonlySet<string> | undefined;
  /** No body follows. */
  readonly isEnd?: boolean;
  readonly events: StreamEvents;
  /** The answer to HEAD has a length and no body. */
  readonly isHead?: boolean;
}

/** A client's side of a connection. */
export class ClientConnection extends Connection {
  override readonly isClient = true;
  readonly #handlers: ClientHandlers;
  #isReady = false;
  #heads = new WeakSet<Stream>();

  constructor(socket: Socket, options: ConnectionOptions, handlers: ClientHandlers) {
    super(socket, options);
    this.#handlers = handlers;
    this.output.copy(clientPreface, 0, clientPreface.length);
    this.start();
  }

  /** Whether one more stream may be begun. */
  get hasRoom(): boolean {
    return this.isOpen && this.streams.size < this.peer.streamsMax;
  }

  get isOpen(): boolean {
    return this.#isReady && !this.isClosed && !this.isLeaving && this.lastId < windowBytesMax - 2;
  }

  /** Begins a stream and resumes it; undefined where none may be begun, or a field can't be sent. */
  request({ fields, sensitive, isEnd = false, events, isHead = false }: RequestOptions): Stream | undefined {
    if (!this.hasRoom) return undefined;
    this.lastId += this.lastId === 0 ? 1 : 2;
    const stream = new Stream(this, this.lastId);
    this.streams.set(stream.id, stream);
    if (isHead) this.#heads.add(stream);
    if (!stream.head(fields, isEnd, sensitive)) return undefined;
    stream.events = events;
    stream.resume();
    return stream;
  }

  override onHead(id: number, head: Head, isEnd: boolean): void {
    const stream = this.streams.get(id);
    if (stream === undefined) {
      this.checkKnown(id);
      if (!this.wasReset(id)) this.noteMischief();
    } else if (stream.isRemoteEnded) this.breach(stream, errorCodes.streamClosed);
    else if (head.isTooLarge) this.breach(stream, errorCodes.enhanceYourCalm);
    else if (stream.hasHead) this.#onTrailers(stream, head, isEnd);
    else this.#onResponse(stream, head, isEnd);
  }

  protected override onSettings(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#handlers.onReady();
  }

  /** Streams that the server has not looked at may be sent again elsewhere (RFC 9113, section 6.8). */
  protected override onGoaway(lastId: number): void {
    this.#handlers.onGoaway();
    for (const stream of [...this.streams.values()]) if (stream.id > lastId) stream.close(errorCodes.refusedStream);
  }

  protected override onClosed(): void {
    this.#handlers.onClosed();
  }

  #onResponse(stream: Stream, head: Head, isEnd: boolean): void {
    const isInterim = head.status < 200;
    if (!head.isResponse || head.status === 101 || (isInterim && isEnd)) {
      this.breach(stream, errorCodes.protocol);
      return;
    }
    if (!isInterim) {
      stream.hasHead = true;
      const isBodiless = head.status === 204 || head.status === 304 || this.#heads.has(stream);
      if (!isBodiless) stream.contentLength = head.contentLength;
    }
    stream.events.onHead(head);
    if (isEnd) stream.receiveEnd(undefined);
  }

  #onTrailers(stream: Stream, head: Head, isEnd: boolean): void {
    if (!isEnd || !head.isTrailers) this.breach(stream, errorCodes.protocol);
    else stream.receiveEnd(head);
  }
}
