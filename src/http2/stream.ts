import { errorCodes, flagEndStream, frameData } from './codes.ts';
import type { Connection } from './connection.ts';
import type { Head } from './head.ts';
import { carriedEndMs, streamHeldBytesLow, streamHeldBytesMax, turnBytesMax } from './limits.ts';

/** Who a stream tells what comes. */
export interface StreamEvents {
  /** The head of an answer, or an interim one before it (status below 200). Clients alone hear of it. */
  onHead(head: Head): void;
  /** `chunk` is valid only until this returns: whoever keeps it copies it. */
  onData(chunk: Buffer): void;
  /** The peer sends no more. */
  onEnd(trailers: Head | undefined): void;
  /** There is room again, after a `write` that returned false. */
  onRoom(): void;
  /** Once, the last: `errorCodes.none` where both sides came to their end, or the peer's NO_ERROR. */
  onClose(code: number): void;
}

const silent: StreamEvents = {
  onHead: () => undefined,
  onData: () => undefined,
  onEnd: () => undefined,
  onRoom: () => undefined,
  onClose: () => undefined,
};

/**
 * One request and its answer. What comes is told to `events` while `resume` was called last; what comes while it is paused waits,
 * bounded by the window, which is given back as it is told.
 */
export class Stream {
  readonly connection: Connection;
  readonly id: number;
  events: StreamEvents = silent;
  /** The peer has sent its end. */
  isRemoteEnded = false;
  isLocalEnded = false;
  isClosed = false;
  hasHead = false;
  /** Bytes that the peer may still send, and that we may. */
  receiveLeft: number;
  sendLeft: number;
  /** It waits for the connection. */
  isWaiting = false;
  /** When anything last came on it, or left: milliseconds of `performance.now()`. */
  movedMs: number;
  /** As the head says; undefined: it doesn't. */
  contentLength: number | undefined;
  #isPaused = true;
  #arrived: Buffer[] = [];
  #trailers: Head | undefined;
  #isEndTold = false;
  #credit = 0;
  #received = 0;
  #held: Buffer[] = [];
  /** Of what is held, what is the caller's memory. */
  #lent: Buffer | undefined;
  /** Of the first that is held, bytes that were sent. */
  #heldAt = 0;
  #heldBytes = 0;
  #isEnding = false;
  #ending: readonly string[] | undefined;
  #needsDrain = false;

  constructor(connection: Connection, id: number) {
    this.connection = connection;
    this.id = id;
    this.receiveLeft = connection.windowBytes;
    this.sendLeft = connection.peer.windowBytes;
    this.movedMs = connection.movedMs;
  }

  /** Bytes that were written and wait. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** All that the peer sent was told. */
  get isEndTold(): boolean {
    return this.#isEndTold;
  }

  /** Sends a head, pseudo-header fields first; `sensitive` names fields that may enter no table. False: a field can't be sent, and the stream was reset. */
  head(fields: readonly string[], isEnd = false, sensitive?: ReadonlySet<string>): boolean {
    if (this.isClosed || this.isLocalEnded) return true;
    if (!this.connection.sendBlock(this, fields, { isLast: isEnd, sensitive })) {
      this.reset(errorCodes.internal);
      return false;
    }
    if (isEnd) this.#endLocal();
    return true;
  }

  /** False: no more until `onRoom`. */
  write(chunk: Buffer): boolean {
    if (this.isClosed || this.#isEnding) return true;
    if (chunk.length > 0) this.#hold(chunk);
    if (this.#heldBytes < streamHeldBytesMax) return true;
    this.#needsDrain = true;
    return false;
  }

  /** `trailers`: name, value…; undefined: none. */
  end(chunk?: Buffer, trailers?: readonly string[]): void {
    if (this.isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#ending = trailers;
    if (chunk !== undefined && chunk.length > 0) this.#hold(chunk);
    else if (this.#heldBytes === 0) this.#finish();
  }

  /** Ends with trailers at once: what waits for the peer to take it is dropped. */
  conclude(trailers: readonly string[]): void {
    if (this.isClosed || this.isLocalEnded) return;
    this.#dropHeld();
    this.#needsDrain = false;
    this.#isEnding = true;
    this.#ending = trailers;
    this.#finish();
  }

  reset(code: number): void {
    if (this.isClosed) return;
    this.connection.sendReset(this.id, code);
    this.close(code);
  }

  /** The same, and nothing is told any more. */
  abandon(code: number): void {
    this.events = silent;
    this.reset(code);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (this.#arrived.length > 0 && !this.#isPaused) {
      const chunk = this.#arrived.shift() as Buffer;
      this.#tell(chunk);
      this.connection.pieces.giveBack(chunk);
    }
    this.#tellEnd();
  }

  /** For the connection: a piece of a DATA frame is here. */
  receive(chunk: Buffer): void {
    this.movedMs = this.connection.movedMs;
    this.#received += chunk.length;
    if (this.contentLength !== undefined && this.#received > this.contentLength) {
      this.connection.credit(chunk.length);
      this.connection.breach(this, errorCodes.protocol);
    } else if (this.#isPaused || this.#arrived.length > 0) this.#arrived.push(this.connection.pieces.copy(chunk));
    else this.#tell(chunk);
  }

  /** For the connection: the peer has ended. */
  receiveEnd(trailers: Head | undefined): void {
    if (this.isClosed) return;
    if (this.contentLength !== undefined && this.#received !== this.contentLength) {
      this.connection.breach(this, errorCodes.protocol);
      return;
    }
    this.isRemoteEnded = true;
    this.#trailers = trailers;
    if (this.isLocalEnded) this.connection.forget(this);
    this.#tellEnd();
  }

  /** For the connection: so much more may be sent. False: the window would grow too large. */
  widen(bytes: number, bytesMax: number): boolean {
    if (this.sendLeft + bytes > bytesMax) return false;
    this.sendLeft += bytes;
    if (this.#heldBytes > 0) this.send();
    return true;
  }

  /** Gives back padding, which nobody is told. */
  credit(bytes: number): void {
    this.connection.credit(bytes);
    if (this.isRemoteEnded || this.isClosed) return;
    this.#credit += bytes;
    if (2 * this.#credit < this.connection.windowBytes) return;
    this.receiveLeft += this.#credit;
    this.connection.sendWindow(this.id, this.#credit);
    this.#credit = 0;
  }

  /** For the connection: sends what may be sent, at most a turn's worth. */
  send(): void {
    let turnLeft = turnBytesMax;
    const { connection } = this;
    while (this.#heldBytes > 0 && this.sendLeft > 0 && !this.isClosed) {
      const allowed = turnLeft <= 0 ? 0 : connection.sendAllowed();
      const bytes = Math.min(this.#heldBytes, this.sendLeft, allowed);
      if (bytes <= 0) {
        connection.wait(this);
        break;
      }
      turnLeft -= bytes;
      this.#sendFrame(bytes);
    }
    // Whoever is asked for more may write at once: not while memory that isn't ours stands in the queue.
    if (this.#lent === undefined) this.#tellRoom();
  }

  /** Ends it without a word to the peer. */
  close(code: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.forget(this);
    for (const chunk of this.#arrived) {
      this.connection.credit(chunk.length);
      this.connection.pieces.giveBack(chunk);
    }
    this.#arrived = [];
    this.#dropHeld();
    this.events.onClose(code);
  }

  #tell(chunk: Buffer): void {
    this.credit(chunk.length);
    this.events.onData(chunk);
  }

  #tellEnd(): void {
    if (!this.isRemoteEnded || this.#isEndTold || this.#isPaused || this.#arrived.length > 0 || this.isClosed) return;
    this.#isEndTold = true;
    this.events.onEnd(this.#trailers);
    this.#closeIfOver();
  }

  #tellRoom(): void {
    if (this.#heldBytes > streamHeldBytesLow || !this.#needsDrain || this.isClosed) return;
    this.#needsDrain = false;
    this.events.onRoom();
  }

  #dropHeld(): void {
    for (const chunk of this.#held) if (chunk !== this.#lent) this.connection.pieces.giveBack(chunk);
    this.#held = [];
    this.#heldAt = 0;
    this.#heldBytes = 0;
  }

  /** What can't be sent yet is copied: the caller's memory is its own again. */
  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    this.#lent = chunk;
    if (!this.isWaiting) this.send();
    this.#lent = undefined;
    const place = this.#heldBytes === 0 ? -1 : this.#held.lastIndexOf(chunk);
    if (place >= 0) this.#held[place] = this.connection.pieces.copy(place === 0 ? chunk.subarray(this.#heldAt) : chunk);
    if (place === 0) this.#heldAt = 0;
    this.#tellRoom();
  }

  #sendFrame(bytes: number): void {
    const { connection, id } = this;
    const { output } = connection;
    this.movedMs = performance.now();
    connection.hasSpoken = true;
    const isLast = bytes === this.#heldBytes && this.#isEnding && this.#ending === undefined;
    this.sendLeft -= bytes;
    this.#heldBytes -= bytes;
    connection.sendLeft -= bytes;
    output.frameHead(bytes, frameData, isLast ? flagEndStream : 0, id);
    let left = bytes;
    while (left > 0) {
      const first = this.#held[0] as Buffer;
      const end = Math.min(first.length, this.#heldAt + left);
      output.copy(first, this.#heldAt, end);
      left -= end - this.#heldAt;
      this.#heldAt = end === first.length ? 0 : end;
      if (end < first.length) continue;
      this.#held.shift();
      if (first !== this.#lent) connection.pieces.giveBack(first);
    }
    if (isLast) this.#endLocal();
    else if (this.#heldBytes === 0 && this.#isEnding) this.#finish();
  }

  #finish(): void {
    const trailers = this.#ending;
    if (trailers !== undefined && trailers.length > 0) {
      if (this.connection.sendBlock(this, trailers, { isLast: true })) this.#endLocal();
      else this.reset(errorCodes.internal);
      return;
    }
    this.connection.output.frameHead(0, frameData, flagEndStream, this.id);
    this.#endLocal();
  }

  #endLocal(): void {
    this.isLocalEnded = true;
    this.#isEnding = true;
    if (this.isRemoteEnded) this.connection.forget(this);
    else if (this.connection.options.isCarrier === true && !this.connection.isClient) this.#waitForEnd();
    else if (!this.connection.isClient) {
      // Whoever has its answer may stop sending (RFC 9113, section 8.1).
      this.connection.sendReset(this.id, errorCodes.none);
      this.close(errorCodes.none);
      return;
    }
    this.#closeIfOver();
  }

  /**
   * A carrier may pass a reset on as another one, in the same breath as the trailers (HAProxy before 3.2: CANCEL), which is all that some
   * clients see then. Those who have read the trailers end their side by themselves; what they still send is dropped.
   */
  #waitForEnd(): void {
    const { events } = this;
    this.events = silent;
    this.resume();
    setTimeout(() => this.reset(errorCodes.none), carriedEndMs).unref();
    events.onClose(errorCodes.none);
  }

  #closeIfOver(): void {
    if (this.isLocalEnded && this.#isEndTold) this.close(errorCodes.none);
  }
}
