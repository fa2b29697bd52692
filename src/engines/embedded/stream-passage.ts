import { grpcFault } from '../../gate/index.ts';
import { errorCodes, type Head, type Stream } from '../../http2/index.ts';
import { retryBodyBytesMax } from '../../std/limits.ts';
import { grpcStatusOfHttp, grpcStatusOfReset, MessageCount } from '../../wire/index.ts';
import type { Carried } from './carried.ts';
import type { Reading, StreamExchange } from './exchange.ts';
import { pushbackMs, retryAfterMs } from './failures.ts';
import { GrpcWay, type GrpcWayOptions, unavailable } from './grpc-way.ts';
import { HeldMessage } from './held-message.ts';
import { openedAfterMs } from './limits.ts';

/** A gRPC call whose messages pass as they come. */
export interface Streaming extends Carried {
  readonly exchange: StreamExchange;
  /** It is open for longer than most. Returns whether it is looked at from time to time by whom that concerns. */
  opened(): boolean;
}

export interface StreamPassageOptions extends GrpcWayOptions {
  /** Largest message of the client. */
  readonly messageBytesMax: number;
}

/**
 * One permitted gRPC call of any kind on its way to a replica. What either side sends goes on as it comes, the head of the answer at
 * once, and neither side sends more than the other reads; only the trailers wait for the audit line. Until that head is here, what was
 * sent of the request is kept, bounded, so that another replica can be tried.
 */
export class StreamPassage extends GrpcWay implements Reading {
  readonly #streaming: Streaming;
  readonly #exchange: StreamExchange;
  readonly #messageBytesMax: number;
  readonly toReplica = new MessageCount();
  readonly toClient = new MessageCount();
  /** What was sent of the request; undefined: it isn't kept any more. */
  #kept: HeldMessage | undefined = new HeldMessage();
  /** When it counts as open for long, and whether that was said. */
  readonly #openedMs: number;
  #isOpened = false;
  #isReading = false;
  /** The client sends no more. */
  #isAllRead = false;
  /** A head that ends the call, as it seems. */
  #only: Head | undefined;
  bytesIn = 0;
  /** When the first message of the answer came, of `performance.now()`; 0: none did. */
  firstMs = 0;
  /** Called once no message is on its way to the client half sent. */
  onWhole: (() => void) | undefined;

  constructor(call: Streaming, { messageBytesMax, ...options }: StreamPassageOptions) {
    super(call, options, 0);
    this.#streaming = call;
    this.#exchange = call.exchange;
    this.#openedMs = performance.now() + openedAfterMs;
    this.#messageBytesMax = messageBytesMax;
  }

  protected override get firstLookMs(): number {
    return Math.min(this.answerMs, openedAfterMs);
  }

  /** More of the answer may come. */
  get isMoving(): boolean {
    return !this.isOver && this.stream !== undefined;
  }

  /** When anything last came from either side, or went to it. */
  get lastMs(): number {
    return Math.max(this.movedMs, this.#exchange.movedMs, this.stream?.movedMs ?? 0);
  }

  protected override send(stream: Stream): void {
    const sent = this.#kept?.take();
    if (sent !== undefined && sent.length > 0) {
      stream.write(sent);
      this.#kept?.add(sent, 0);
    }
    if (this.#isAllRead) stream.end();
    else if (this.#isReading) this.#exchange.resume();
    else {
      this.#isReading = true;
      this.#exchange.read(this);
    }
  }

  /** From the client. */
  data(chunk: Buffer): void {
    const { stream } = this;
    if (this.isOver || stream === undefined) return;
    this.bytesIn += chunk.length;
    if (this.toReplica.push(chunk) > this.#messageBytesMax) {
      this.call.refuse('body-too-large');
      return;
    }
    if (this.#kept !== undefined) this.#keep(this.#kept, chunk);
    if (!stream.write(chunk)) this.#exchange.pause();
  }

  end(): void {
    // A reset ends the body like its end; that the client left is heard next.
    if (this.isOver || this.#exchange.isReset) return;
    this.#isAllRead = true;
    this.stream?.end();
  }

  override onRoom(): void {
    if (!this.#isAllRead) this.#exchange.resume();
  }

  override onHead(head: Head): void {
    if (this.isOver || head.status < 200) return;
    this.attempts.answeredMs = performance.now();
    this.status = head.status;
    const { fields } = head;
    if (has(fields, 'grpc-status')) this.#only = head;
    else if (head.status === 200 && isGrpcType(fields)) this.#begin(head);
    else this.#faulty(head);
  }

  override onData(chunk: Buffer): void {
    const { stream } = this;
    if (this.isOver || stream === undefined) return;
    if (!this.hasBegun && this.#only !== undefined) this.#begin(this.#only);
    if (this.firstMs === 0) this.firstMs = performance.now();
    this.bytesOut += chunk.length;
    this.toClient.push(chunk);
    const exchange = this.#exchange;
    const hasRoom = exchange.write(chunk);
    if (this.onWhole !== undefined && this.toClient.isBetween) this.onWhole();
    if (hasRoom) return;
    stream.pause();
    exchange.onDrain(() => stream.resume());
  }

  override onEnd(trailers: Head | undefined): void {
    if (this.isOver) return;
    const exchange = this.#exchange;
    if (this.hasBegun) {
      const fields = trailers === undefined ? [] : this.readTrailers(trailers.fields);
      if (this.grpcStatus === unavailable && this.bytesOut === 0) this.attempts.failed();
      this.finish(() => exchange.end(undefined, fields));
      return;
    }
    if (this.#only !== undefined) this.#onlyTrailers(this.#only);
  }

  override due(nowMs: number): void {
    if (this.isOver) return;
    if (!this.#isOpened && nowMs >= this.#openedMs) {
      this.#isOpened = true;
      // It may also have been ended for that.
      if (this.#streaming.opened() || this.call.isEnding) return;
    }
    const dueMs = this.silence(nowMs);
    if (dueMs !== undefined) this.lookAt(this.#isOpened ? dueMs : Math.min(dueMs, this.#openedMs));
  }

  /** Ends a call on which nothing moves any more; when it would be, as it is now. */
  silence(nowMs: number): number | undefined {
    const dueMs = this.lastMs + this.answerMs;
    if (dueMs > nowMs || this.isOver) return dueMs;
    if (!this.hasBegun) this.attempts.failed();
    this.call.refuse('upstream-timeout');
    return undefined;
  }

  override breakOff(): void {
    this.call.refuse('upstream-malformed');
  }

  protected override forget(): void {
    this.#only = undefined;
    this.#exchange.pause();
  }

  protected override failed(code: number): void {
    const isLost = this.stream?.connection.isClosed ?? false;
    this.stream = undefined;
    // A goodbye, or a reset of this one call, is no failure of the replica.
    if (isLost) this.attempts.failed();
    this.giveBack();
    if (!this.hasBegun && this.status === 0 && this.later(this.#again(code))) return;
    if (isLost || code === errorCodes.refusedStream) {
      this.over();
      this.call.refuse(this.hasBegun || isLost ? 'upstream-malformed' : 'upstream-unavailable');
    } else this.#fault(grpcStatusOfReset(code), `The service broke the call off with code ${code} of HTTP/2`);
  }

  /** From here on it is this replica's answer. */
  #begin(head: Head): void {
    this.hasBegun = true;
    this.#forgetSent();
    this.attempts.noteStatus(head.status);
    const exchange = this.#exchange;
    exchange.sensitiveAnswer = head.sensitive;
    exchange.begin(head.status, this.#answerFields(head), true);
  }

  /** The whole answer is one head. */
  #onlyTrailers(head: Head): void {
    const fields = this.#answerFields(head);
    this.attempts.noteStatus(this.grpcStatus === unavailable ? 503 : 200);
    if (this.grpcStatus === unavailable && this.later(this.attempts.repeat(pushbackMs(head.fields)))) return;
    const exchange = this.#exchange;
    exchange.sensitiveAnswer = head.sensitive;
    this.finish(() => exchange.respond(head.status, fields, undefined));
  }

  /** No gRPC service, but a proxy before one, or something else. */
  #faulty({ status, fields }: Head): void {
    const isDown = status === 502 || status === 503;
    if (isDown) this.attempts.failed();
    if (isDown && this.later(this.attempts.repeat(retryAfterMs(fields, Date.now())))) return;
    const sentence = status === 200 ? 'something that is no gRPC' : `HTTP status ${status}`;
    this.#fault(grpcStatusOfHttp(status), `The service answered with ${sentence}`);
  }

  /** Ends the call for what the service did. */
  #fault(grpcStatus: number, sentence: string): void {
    const exchange = this.#exchange;
    const { requestId } = this.call;
    this.reset();
    const fields = grpcFault(grpcStatus, sentence, requestId);
    this.status = 200;
    this.grpcStatus = grpcStatus;
    const head = ['x-headgate-request-id', requestId, 'content-type', 'application/grpc', ...fields];
    const { hasBegun } = this;
    this.finish(() => (hasBegun ? exchange.conclude(fields) : exchange.respond(200, head, undefined)));
  }

  /** Refused streams were not begun upon (RFC 9113, section 8.7); others are safe to send again where the operation is. */
  #again(code: number): number | undefined {
    if (this.#kept === undefined) return undefined;
    return code === errorCodes.refusedStream ? this.attempts.renew() : this.attempts.repeat(0);
  }

  #answerFields({ fields }: Head): string[] {
    const found = this.read(fields);
    found.push('x-headgate-request-id', this.call.requestId);
    return found;
  }

  #keep(kept: HeldMessage, chunk: Buffer): void {
    if (this.bytesIn > retryBodyBytesMax) {
      this.#forgetSent();
      return;
    }
    kept.add(chunk, 0);
    this.attempts.heldBytes = this.bytesIn;
  }

  #forgetSent(): void {
    this.#kept = undefined;
    this.attempts.heldBytes = undefined;
  }
}

function has(fields: readonly string[], name: string): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return true;
  return false;
}

function isGrpcType(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at] === 'content-type') return /^application\/grpc($|[;+])/i.test(fields[at + 1] as string);
  return false;
}
