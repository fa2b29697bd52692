import type { Permit } from '../../gate/index.ts';
import { errorCodes, type Head, type Stream, type StreamEvents } from '../../http2/index.ts';
import { grpcTimeoutText } from '../../wire/index.ts';
import type { UpstreamFields } from './answered.ts';
import { Attempts, upstreamTarget } from './attempts.ts';
import type { Carriage } from './carriage.ts';
import type { Carried, Underway } from './carried.ts';
import { pushbackMs, retryAfterMs } from './failures.ts';
import type { GrpcReplica, GrpcUpstreams, Session } from './grpc-replica.ts';
import { Held } from './held.ts';
import { heldAnswerBytesMax } from './limits.ts';
import type { Due, Wheel } from './wheel.ts';

export interface GrpcPassageOptions {
  readonly permit: Permit;
  readonly answered: UpstreamFields;
  readonly upstreams: GrpcUpstreams;
  readonly carriage: Carriage;
  readonly wheel: Wheel;
  /** The message, frame and all, as far as it is here; whole where `isWhole`. */
  readonly body: Buffer;
  readonly isWhole: boolean;
  /** Asked for the rest, where the message isn't whole. */
  readonly resume: () => void;
}

/** grpc-status UNAVAILABLE. */
const unavailable = 14;

/**
 * One permitted gRPC call on its way to a replica, or to several one after the other, and its answer on the way back. Small answers
 * are held whole, larger ones are streamed; the trailers, without which no client takes an answer for one, leave after the audit line.
 */
export class GrpcPassage implements Underway, Due, StreamEvents {
  readonly #call: Carried;
  readonly #options: GrpcPassageOptions;
  readonly #attempts: Attempts<GrpcReplica>;
  readonly #held = new Held();
  #session: Session | undefined;
  #stream: Stream | undefined;
  #isOver = false;
  /** A replica was opened and not given back yet. */
  #isOpen = false;
  /** When anything last went to the replica or came from it. */
  #movedMs = 0;
  /** When it is looked at next, whether anything moves. */
  dueMs = 0;
  before: Due | undefined;
  after: Due | undefined;
  /** Until the next try. */
  #timer: NodeJS.Timeout | undefined;
  #status = 0;
  #fields: string[] = [];
  #trailers: string[] | undefined;
  #grpcStatus: number | undefined;
  hasBegun = false;
  bytesOut = 0;

  constructor(call: Carried, options: GrpcPassageOptions) {
    this.#call = call;
    this.#options = options;
    const { permit, upstreams: replicas, carriage, body, isWhole } = options;
    const heldBytes = isWhole ? body.length : undefined;
    const { dueMs, exchange } = call;
    this.#attempts = new Attempts({ permit, replicas, carriage, heldBytes, dueMs, rawFields: exchange.rawFields });
  }

  get endpoint(): string | undefined {
    return this.#attempts.replica?.name;
  }

  get tries(): number | undefined {
    return this.#attempts.tries;
  }

  start(): void {
    const { carriage, wheel } = this.#options;
    this.#movedMs = performance.now();
    carriage.began(this.#movedMs);
    this.dueMs = this.#movedMs + carriage.traffic.answerMs;
    wheel.add(this);
    this.#try();
  }

  #try(): void {
    const { permit, carriage } = this.#options;
    const replica = this.#attempts.next();
    if (replica === undefined) {
      // All were tried, and none was reached.
      if (this.endpoint !== undefined && this.#later(this.#attempts.again())) return;
      this.#over();
      this.#call.refuse('upstream-unavailable');
      return;
    }
    this.#isOpen = true;
    this.#movedMs = performance.now();
    replica.open(permit, carriage.traffic.connectMs, (session) => {
      this.#session = session;
      if (this.#isOver) this.#giveBack();
      else if (session !== undefined) this.#send(session);
      else {
        // Nothing was sent: another replica may be better, whatever the message is.
        this.#attempts.failed();
        this.#giveBack();
        this.#try();
      }
    });
  }

  /** More of a message that isn't whole. False: ask for no more until `resume`. */
  write(chunk: Buffer): boolean {
    this.#movedMs = performance.now();
    return this.#stream === undefined || this.#stream.write(chunk);
  }

  finish(chunk: Buffer): void {
    this.#stream?.end(chunk);
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#over();
    this.#reset();
  }

  late(): void {
    if (this.#status === 0) this.#attempts.failed();
  }

  breakOff(): void {
    const { exchange } = this.#call;
    this.#end(() => exchange.cut());
    this.#reset();
  }

  #send({ http2 }: Session): void {
    const { body, isWhole, resume } = this.#options;
    this.#movedMs = performance.now();
    this.#attempts.sentMs = this.#movedMs;
    const stream = http2.request({ fields: this.#headers(), sensitive: this.#call.exchange.sensitive, events: this });
    if (stream === undefined) {
      this.#failed(errorCodes.refusedStream);
      return;
    }
    this.#stream = stream;
    if (isWhole) stream.end(body);
    else if (stream.write(body)) resume();
  }

  onRoom(): void {
    if (!this.#options.isWhole) this.#options.resume();
  }

  onHead(head: Head): void {
    if (this.#isOver || head.status < 200) return;
    this.#movedMs = performance.now();
    this.#attempts.answeredMs = this.#movedMs;
    this.#status = head.status;
    this.#fields = this.#read(head.fields);
    // No gRPC service, but a proxy before one.
    const isFault = this.#status === 502 || this.#status === 503;
    if (isFault) this.#attempts.failed();
    if (isFault && this.#later(this.#attempts.repeat(retryAfterMs(this.#fields, Date.now())))) return;
    this.#call.exchange.sensitiveAnswer = head.sensitive;
    this.#fields.push('x-headgate-request-id', this.#call.requestId);
  }

  onEnd(trailers: Head | undefined): void {
    if (this.#isOver) return;
    if (trailers !== undefined) this.#trailers = this.#readTrailers(trailers.fields);
    this.#complete();
  }

  onData(chunk: Buffer): void {
    const stream = this.#stream;
    if (this.#isOver || stream === undefined) return;
    this.bytesOut += chunk.length;
    this.#movedMs = performance.now();
    const { exchange } = this.#call;
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
    const { exchange } = this.#call;
    exchange.begin(this.#status, this.#fields, true);
    exchange.write(this.#held.take() as Buffer);
  }

  /** The answer is here, whole. */
  #complete(): void {
    if (this.#isOver) return;
    this.#attempts.noteStatus(this.#grpcStatus === unavailable ? 503 : this.#status);
    const isUnavailable = this.#grpcStatus === unavailable && this.bytesOut === 0;
    if (isUnavailable && this.#later(this.#attempts.repeat(pushbackMs(this.#trailers ?? this.#fields)))) return;
    const { exchange } = this.#call;
    const [status, fields, trailers, held] = [this.#status, this.#fields, this.#trailers, this.#held.take()];
    this.#end(() => {
      if (this.hasBegun) exchange.end(held, trailers ?? []);
      else if (trailers === undefined) exchange.respond(status, fields, held);
      else {
        exchange.begin(status, fields, true);
        exchange.end(held, trailers);
      }
    });
  }

  onClose(code: number): void {
    if (!this.#isOver) this.#failed(code);
  }

  due(nowMs: number): void {
    if (this.#isOver) return;
    this.dueMs = this.#movedMs + this.#options.carriage.traffic.answerMs;
    if (this.dueMs > nowMs) {
      this.#options.wheel.add(this);
      return;
    }
    this.#attempts.failed();
    if (this.hasBegun) this.breakOff();
    else this.#call.refuse('upstream-timeout');
  }

  /** Tries again after a while, and forgets what the last try has brought; false: not at all. */
  #later(waitMs: number | undefined): boolean {
    if (waitMs === undefined) return false;
    this.#reset();
    this.#giveBack();
    this.#status = 0;
    this.#trailers = undefined;
    this.#grpcStatus = undefined;
    this.#movedMs = performance.now() + waitMs;
    this.#timer = setTimeout(() => this.#try(), waitMs);
    return true;
  }

  /** Nothing of the stream is heard any more. */
  #reset(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.abandon(errorCodes.cancel);
  }

  #failed(code: number): void {
    this.#stream = undefined;
    // A goodbye fails many calls at once, of a replica that is well.
    if (code !== errorCodes.refusedStream) this.#attempts.failed();
    this.#giveBack();
    if (this.hasBegun) {
      this.breakOff();
      return;
    }
    if (this.#status === 0 && this.#later(this.#again(code))) return;
    this.#over();
    this.#call.refuse('upstream-malformed');
  }

  /** Refused streams were not begun upon (RFC 9113, section 8.7); others are safe to send again where the operation is. */
  #again(code: number): number | undefined {
    if (code !== errorCodes.refusedStream) return this.#attempts.repeat(0);
    return this.#options.isWhole ? this.#attempts.renew() : undefined;
  }

  #end(release: () => void): void {
    this.#over();
    // Whoever has answered takes no more of the message.
    if (this.#stream?.isLocalEnded === false) this.#reset();
    const { bytesOut } = this;
    this.#call.end(this.#attempts.answered({ status: this.#status, bytesOut, grpcStatus: this.#grpcStatus, release }));
  }

  #over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#options.wheel.remove(this);
    this.#giveBack();
  }

  /** Once for each replica that was opened. */
  #giveBack(): void {
    const session = this.#session;
    this.#session = undefined;
    if (this.#isOpen) {
      this.#attempts.replica?.done(session);
    }
    this.#isOpen = false;
  }

  /** What came in, less what is ours or the connection's; then ours. */
  #headers(): string[] {
    const { exchange, fields, requestId } = this.#call;
    const path = upstreamTarget(this.#options.permit, exchange.target);
    const headers = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', exchange.authority ?? ''];
    const { sent } = fields;
    for (let at = 0; at < sent.length; at += 2) {
      // The message may grow by the version that was chosen, and some of the client's time is gone.
      if (sent[at] === 'content-length' || sent[at] === 'grpc-timeout') continue;
      headers.push(sent[at] as string, sent[at + 1] as string);
    }
    const { dueMs } = this.#call;
    if (dueMs !== Number.POSITIVE_INFINITY) headers.push('grpc-timeout', grpcTimeoutText(dueMs - performance.now()));
    this.#options.answered.addFields(headers, requestId, exchange.address);
    headers.push('te', 'trailers');
    return headers;
  }

  #read(raw: readonly string[]): string[] {
    const fields: string[] = [];
    for (let at = 0; at < raw.length; at += 2) {
      const [name, value] = [raw[at] as string, raw[at + 1] as string];
      if (name !== 'x-headgate-request-id') fields.push(name, value);
      if (name === 'grpc-status') this.#note(value);
    }
    return fields;
  }

  #readTrailers(raw: readonly string[]): string[] {
    for (let at = 0; at < raw.length; at += 2) if (raw[at] === 'grpc-status') this.#note(raw[at + 1] as string);
    return [...raw];
  }

  #note(status: string): void {
    if (/^\d{1,2}$/.test(status)) this.#grpcStatus = Number(status);
  }
}
