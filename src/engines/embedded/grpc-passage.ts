import { errorCodes, type Head, type Stream } from '../../http2/index.ts';
import type { Carried } from './carried.ts';
import { pushbackMs, retryAfterMs } from './failures.ts';
import { GrpcWay, type GrpcWayOptions, unavailable } from './grpc-way.ts';
import { Held } from './held.ts';
import { heldAnswerBytesMax } from './limits.ts';

export interface GrpcPassageOptions extends GrpcWayOptions {
  /** The message, frame and all, as far as it is here; whole where `isWhole`. */
  readonly body: Buffer;
  readonly isWhole: boolean;
  /** Asked for the rest, where the message isn't whole. */
  readonly resume: () => void;
}

/**
 * One permitted gRPC call whose message was walked, on its way to a replica, and its answer on the way back. Small answers are held
 * whole, larger ones are streamed; the trailers, without which no client takes an answer for one, leave after the audit line.
 */
export class GrpcPassage extends GrpcWay {
  readonly #body: Buffer;
  readonly #isWhole: boolean;
  readonly #resume: () => void;
  readonly #held = new Held();
  #fields: string[] = [];
  #trailers: string[] | undefined;

  constructor(call: Carried, { body, isWhole, resume, ...options }: GrpcPassageOptions) {
    super(call, options, isWhole ? body.length : undefined);
    this.#body = body;
    this.#isWhole = isWhole;
    this.#resume = resume;
  }

  /** More of a message that isn't whole. False: ask for no more until `resume`. */
  write(chunk: Buffer): boolean {
    this.movedMs = performance.now();
    return this.stream === undefined || this.stream.write(chunk);
  }

  /** The last of it. */
  writeLast(chunk: Buffer): void {
    this.stream?.end(chunk);
  }

  override breakOff(): void {
    const { exchange } = this.call;
    this.finish(() => exchange.cut());
    this.reset();
  }

  protected override send(stream: Stream): void {
    if (this.#isWhole) stream.end(this.#body);
    else if (stream.write(this.#body)) this.#resume();
  }

  override onRoom(): void {
    if (!this.#isWhole) this.#resume();
  }

  override onHead(head: Head): void {
    if (this.isOver || head.status < 200) return;
    const { attempts, call } = this;
    this.movedMs = performance.now();
    attempts.answeredMs = this.movedMs;
    this.status = head.status;
    this.#fields = this.read(head.fields);
    // No gRPC service, but a proxy before one.
    const isFault = this.status === 502 || this.status === 503;
    if (isFault) attempts.failed();
    if (isFault && this.later(attempts.repeat(retryAfterMs(this.#fields, Date.now())))) return;
    call.exchange.sensitiveAnswer = head.sensitive;
    this.#fields.push('x-headgate-request-id', call.requestId);
  }

  override onEnd(trailers: Head | undefined): void {
    if (this.isOver) return;
    if (trailers !== undefined) this.#trailers = this.readTrailers(trailers.fields);
    this.#complete();
  }

  override onData(chunk: Buffer): void {
    const { stream } = this;
    if (this.isOver || stream === undefined) return;
    this.bytesOut += chunk.length;
    this.movedMs = performance.now();
    const { exchange } = this.call;
    if (!this.hasBegun) {
      this.#held.add(Buffer.from(chunk));
      if (this.#held.bytes > heldAnswerBytesMax) this.#begin();
      return;
    }
    if (exchange.write(chunk)) return;
    stream.pause();
    exchange.onDrain(() => stream.resume());
  }

  #begin(): void {
    this.hasBegun = true;
    const { exchange } = this.call;
    exchange.begin(this.status, this.#fields, true);
    exchange.write(this.#held.take() as Buffer);
  }

  /** The answer is here, whole. */
  #complete(): void {
    const { attempts, status } = this;
    attempts.noteStatus(this.grpcStatus === unavailable ? 503 : status);
    const isUnavailable = this.grpcStatus === unavailable && this.bytesOut === 0;
    if (isUnavailable && this.later(attempts.repeat(pushbackMs(this.#trailers ?? this.#fields)))) return;
    const { exchange } = this.call;
    const [fields, trailers, held] = [this.#fields, this.#trailers, this.#held.take()];
    this.finish(() => {
      if (this.hasBegun) exchange.end(held, trailers ?? []);
      else if (trailers === undefined) exchange.respond(status, fields, held);
      else {
        exchange.begin(status, fields, true);
        exchange.end(held, trailers);
      }
    });
  }

  override due(nowMs: number): void {
    if (this.isOver) return;
    const dueMs = this.movedMs + this.answerMs;
    if (dueMs > nowMs) {
      this.lookAt(dueMs);
      return;
    }
    this.attempts.failed();
    if (this.hasBegun) this.breakOff();
    else this.call.refuse('upstream-timeout');
  }

  protected override forget(): void {
    this.#trailers = undefined;
  }

  protected override failed(code: number): void {
    this.stream = undefined;
    // A goodbye fails many calls at once, of a replica that is well.
    if (code !== errorCodes.refusedStream) this.attempts.failed();
    this.giveBack();
    if (this.hasBegun) {
      this.breakOff();
      return;
    }
    if (this.status === 0 && this.later(this.#again(code))) return;
    this.over();
    this.call.refuse('upstream-malformed');
  }

  /** Refused streams were not begun upon (RFC 9113, section 8.7); others are safe to send again where the operation is. */
  #again(code: number): number | undefined {
    if (code !== errorCodes.refusedStream) return this.attempts.repeat(0);
    return this.#isWhole ? this.attempts.renew() : undefined;
  }
}
