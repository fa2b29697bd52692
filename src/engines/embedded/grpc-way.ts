import type { Permit } from '../../gate/index.ts';
import { errorCodes, type Head, type Stream, type StreamEvents } from '../../http2/index.ts';
import { grpcTimeoutText } from '../../wire/index.ts';
import type { UpstreamFields } from './answered.ts';
import { Attempts, upstreamTarget } from './attempts.ts';
import type { Carriage } from './carriage.ts';
import type { Carried, Underway } from './carried.ts';
import type { GrpcReplica, GrpcUpstreams, Session } from './grpc-replica.ts';
import type { Due, Wheel } from './wheel.ts';

export interface GrpcWayOptions {
  readonly permit: Permit;
  readonly answered: UpstreamFields;
  readonly upstreams: GrpcUpstreams;
  readonly carriage: Carriage;
  readonly wheel: Wheel;
}

/** grpc-status UNAVAILABLE. */
export const unavailable = 14;

/** The way of one permitted gRPC call to a replica, or to several one after the other. What is sent and what comes back is its heirs'. */
export abstract class GrpcWay implements Underway, Due, StreamEvents {
  protected readonly call: Carried;
  protected readonly attempts: Attempts<GrpcReplica>;
  protected stream: Stream | undefined;
  protected isOver = false;
  /** When anything last went to the replica or came from it, as far as that is noted here. */
  protected movedMs = 0;
  /** Of the answer's head; 0: none is here. */
  protected status = 0;
  protected grpcStatus: number | undefined;
  hasBegun = false;
  bytesOut = 0;
  /** When it is looked at next, whether anything moves. */
  dueMs = 0;
  before: Due | undefined;
  after: Due | undefined;
  readonly #options: GrpcWayOptions;
  #session: Session | undefined;
  /** A replica was opened and not given back yet. */
  #isOpen = false;
  /** Until the next try. */
  #timer: NodeJS.Timeout | undefined;

  /** `heldBytes`: of the request, where all that was sent of it can be sent again. */
  constructor(call: Carried, options: GrpcWayOptions, heldBytes: number | undefined) {
    this.call = call;
    this.#options = options;
    const { permit, upstreams: replicas, carriage } = options;
    const { dueMs, exchange } = call;
    this.attempts = new Attempts({ permit, replicas, carriage, heldBytes, dueMs, rawFields: exchange.rawFields });
  }

  get endpoint(): string | undefined {
    return this.attempts.replica?.name;
  }

  get tries(): number | undefined {
    return this.attempts.tries;
  }

  abstract onHead(head: Head): void;
  abstract onData(chunk: Buffer): void;
  abstract onEnd(trailers: Head | undefined): void;
  abstract onRoom(): void;
  abstract breakOff(): void;
  abstract due(nowMs: number): void;
  /** The stream is there: the request goes out on it. */
  protected abstract send(stream: Stream): void;
  /** A replica broke off. */
  protected abstract failed(code: number): void;
  /** What the last try has brought is forgotten: it is tried again. */
  protected abstract forget(): void;

  /** How long a replica may be silent. */
  protected get answerMs(): number {
    return this.#options.carriage.traffic.answerMs;
  }

  protected get firstLookMs(): number {
    return this.answerMs;
  }

  start(): void {
    this.movedMs = performance.now();
    this.#options.carriage.began(this.movedMs);
    this.lookAt(this.movedMs + this.firstLookMs);
    this.#try();
  }

  abandon(): void {
    if (this.isOver) return;
    this.over();
    this.reset();
  }

  late(): void {
    if (this.status === 0) this.attempts.failed();
  }

  onClose(code: number): void {
    if (!this.isOver) this.failed(code);
  }

  /** `due` is called then. */
  protected lookAt(dueMs: number): void {
    this.dueMs = dueMs;
    this.#options.wheel.add(this);
  }

  /** Tries again after a while; false: not at all. */
  protected later(waitMs: number | undefined): boolean {
    if (waitMs === undefined) return false;
    this.reset();
    this.giveBack();
    this.status = 0;
    this.grpcStatus = undefined;
    this.forget();
    this.movedMs = performance.now() + waitMs;
    this.#timer = setTimeout(() => this.#try(), waitMs);
    return true;
  }

  /** Nothing of the stream is heard any more. */
  protected reset(): void {
    const { stream } = this;
    this.stream = undefined;
    stream?.abandon(errorCodes.cancel);
  }

  protected over(): void {
    this.isOver = true;
    clearTimeout(this.#timer);
    this.#options.wheel.remove(this);
    this.giveBack();
  }

  /** Once for each replica that was opened. */
  protected giveBack(): void {
    const session = this.#session;
    this.#session = undefined;
    if (this.#isOpen) this.attempts.replica?.done(session);
    this.#isOpen = false;
  }

  /** The answer is settled: it leaves by `release`. */
  protected finish(release: () => void): void {
    this.over();
    // Whoever has answered takes no more of the message.
    if (this.stream?.isLocalEnded === false) this.reset();
    const { bytesOut, status, grpcStatus } = this;
    this.call.end(this.attempts.answered({ status, bytesOut, grpcStatus, release }));
  }

  protected noteStatus(text: string): void {
    if (/^\d{1,2}$/.test(text)) this.grpcStatus = Number(text);
  }

  /** What of a head goes on to the client, and the status that stands in it. */
  protected read(raw: readonly string[]): string[] {
    const fields: string[] = [];
    for (let at = 0; at < raw.length; at += 2) {
      const [name, value] = [raw[at] as string, raw[at + 1] as string];
      if (name !== 'x-headgate-request-id') fields.push(name, value);
      if (name === 'grpc-status') this.noteStatus(value);
    }
    return fields;
  }

  protected readTrailers(raw: readonly string[]): string[] {
    for (let at = 0; at < raw.length; at += 2) if (raw[at] === 'grpc-status') this.noteStatus(raw[at + 1] as string);
    return [...raw];
  }

  #try(): void {
    const { permit, carriage } = this.#options;
    const replica = this.attempts.next();
    if (replica === undefined) {
      // All were tried, and none was reached.
      if (this.endpoint !== undefined && this.later(this.attempts.again())) return;
      this.over();
      this.call.refuse('upstream-unavailable');
      return;
    }
    this.#isOpen = true;
    this.movedMs = performance.now();
    replica.open(permit, carriage.traffic.connectMs, (session) => {
      this.#session = session;
      if (this.isOver) this.giveBack();
      else if (session !== undefined) this.#begin(session);
      else {
        // Nothing was sent: another replica may be better, whatever the message is.
        this.attempts.failed();
        this.giveBack();
        this.#try();
      }
    });
  }

  #begin({ http2 }: Session): void {
    this.movedMs = performance.now();
    this.attempts.sentMs = this.movedMs;
    const stream = http2.request({ fields: this.#fields(), sensitive: this.call.exchange.sensitive, events: this });
    if (stream === undefined) {
      this.failed(errorCodes.refusedStream);
      return;
    }
    this.stream = stream;
    this.send(stream);
  }

  /** What came in, less what is ours or the connection's; then ours. */
  #fields(): string[] {
    const { exchange, fields, requestId, dueMs } = this.call;
    const { permit, answered } = this.#options;
    const path = upstreamTarget(permit, exchange.target);
    const authority = exchange.authority ?? fields.host ?? '';
    const headers = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', authority];
    const { sent } = fields;
    for (let at = 0; at < sent.length; at += 2) {
      // The message may grow by the version that was chosen, and some of the client's time is gone.
      if (sent[at] === 'content-length' || sent[at] === 'grpc-timeout') continue;
      headers.push(sent[at] as string, sent[at + 1] as string);
    }
    if (dueMs !== Number.POSITIVE_INFINITY) headers.push('grpc-timeout', grpcTimeoutText(dueMs - performance.now()));
    answered.addFields(headers, requestId, exchange.address);
    headers.push('te', 'trailers');
    return headers;
  }
}
