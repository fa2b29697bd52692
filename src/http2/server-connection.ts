import type { Socket } from 'node:net';
import { ConnectionFault, errorCodes, windowBytesMax } from './codes.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Head } from './head.ts';
import { warnedMs } from './limits.ts';
import { Stream } from './stream.ts';

export interface ServerHandlers {
  /** A request has begun. `stream.events` is to be set, and `resume` called once. */
  onStream(stream: Stream, head: Head): void;
  /** The connection is over; its streams have heard of it. */
  onClosed(): void;
}

/** A server's side of a connection. The client's preface is still to come. */
export class ServerConnection extends Connection {
  override readonly isClient = false;
  readonly #handlers: ServerHandlers;
  #isWarned = false;

  constructor(socket: Socket, options: ConnectionOptions, handlers: ServerHandlers) {
    super(socket, options);
    this.#handlers = handlers;
    this.start();
  }

  /**
   * In two steps, so that no stream is begun in vain (RFC 9113, section 6.8): the client is told to begin no more, and what it has begun
   * until it can have heard of that is served.
   */
  override close(): void {
    if (this.#isWarned || this.isClosed) return;
    this.#isWarned = true;
    this.sendGoaway(windowBytesMax, errorCodes.none);
    const last = (): void => {
      clearTimeout(late);
      super.close();
    };
    const late = setTimeout(last, warnedMs).unref();
    this.ping(last);
  }

  override onHead(id: number, head: Head, isEnd: boolean): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) this.#onTrailers(stream, head, isEnd);
    else if (id % 2 === 0) throw new ConnectionFault(errorCodes.protocol, 'stream of an even number');
    else if (id > this.lastId) this.#begin(id, head, isEnd);
    else if (!this.wasReset(id))
      throw new ConnectionFault(errorCodes.streamClosed, 'HEADERS of a stream that is closed');
  }

  protected override onClosed(): void {
    this.#handlers.onClosed();
  }

  #begin(id: number, head: Head, isEnd: boolean): void {
    this.lastId = id;
    // Whoever was told to go begins streams in vain.
    if (this.isLeaving) this.sendReset(id, errorCodes.refusedStream);
    else if (this.streams.size >= this.options.streamsMax) this.#refuse(id, errorCodes.refusedStream);
    else if (head.isTooLarge) this.#refuse(id, errorCodes.enhanceYourCalm);
    else if (!head.isRequest || (isEnd && (head.contentLength ?? 0) > 0)) this.#refuse(id, errorCodes.protocol);
    else this.#open(id, head, isEnd);
  }

  #open(id: number, head: Head, isEnd: boolean): void {
    const stream = new Stream(this, id);
    stream.hasHead = true;
    stream.contentLength = head.contentLength;
    stream.isRemoteEnded = isEnd;
    this.streams.set(id, stream);
    this.#handlers.onStream(stream, head);
  }

  #refuse(id: number, code: number): void {
    this.sendReset(id, code);
    this.noteMischief();
  }

  #onTrailers(stream: Stream, head: Head, isEnd: boolean): void {
    if (stream.isRemoteEnded) this.breach(stream, errorCodes.streamClosed);
    else if (!isEnd || !head.isTrailers) this.breach(stream, errorCodes.protocol);
    else if (head.isTooLarge) this.breach(stream, errorCodes.enhanceYourCalm);
    else stream.receiveEnd(head);
  }
}
