import type { Readable } from 'node:stream';
import type { Permit } from '../../gate/index.ts';
import { readAnswer } from './answer-fields.ts';
import type { UpstreamFields } from './answered.ts';
import { type Answerer, Answering } from './answering.ts';
import { Attempts, upstreamTarget } from './attempts.ts';
import type { Carriage } from './carriage.ts';
import type { Carried, Recipient, Underway } from './carried.ts';
import { codingOf } from './coded-answer.ts';
import { codedRequest, type Sent } from './coded-request.ts';
import { isClosed, isUnreached, reasonOf, retryAfterMs } from './failures.ts';
import { heldAnswerBytesMax } from './limits.ts';
import type { AnswerHandler } from './upstream-line.ts';
import type { Replica, UpstreamClient, Upstreams } from './upstreams.ts';

export interface PassageOptions {
  readonly permit: Permit;
  readonly answered: UpstreamFields;
  readonly carriage: Carriage;
  /** Whole where it is small, a stream where it isn't, null where there is none. */
  readonly body: Buffer | Readable | null;
  readonly upstreams: Upstreams;
}

const none: readonly string[] = [];

/** Statuses whose answers never have a body. */
const isBodiless = (status: number): boolean => status === 204 || status === 304;

/** One permitted call on its way to a replica, or to several one after the other, and its answer on the way back. */
export class Passage implements Underway, Answerer, AnswerHandler {
  readonly #call: Carried;
  readonly #options: PassageOptions;
  readonly #attempts: Attempts<Replica>;
  readonly #sent: Sent;
  #client: UpstreamClient | undefined;
  #abort: ((error?: Error) => void) | undefined;
  #resume: () => void = () => undefined;
  #isAbandoned = false;
  #isConnected = false;
  #answering: Answering | undefined;
  /** Until the next try. */
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that are still taken of an answer that another try makes good; undefined: there is none. */
  #discarded: number | undefined;

  constructor(call: Carried, options: PassageOptions) {
    const { permit, carriage, body, upstreams: replicas } = options;
    this.#call = call;
    this.#options = options;
    const heldBytes = body === null ? 0 : Buffer.isBuffer(body) ? body.length : undefined;
    const { dueMs, exchange } = call;
    this.#attempts = new Attempts({ permit, replicas, carriage, heldBytes, dueMs, rawFields: exchange.rawFields });
    const sent = { fields: call.fields.sent, body };
    this.#sent = carriage.requests === undefined ? sent : codedRequest(sent, carriage.requests);
  }

  get exchange(): Recipient {
    return this.#call.exchange;
  }

  get isOver(): boolean {
    return this.#call.isEnding;
  }

  get hasBegun(): boolean {
    return this.#answering?.hasBegun ?? false;
  }

  get bytesOut(): number {
    return this.#answering?.bytesOut ?? 0;
  }

  get endpoint(): string | undefined {
    return this.#attempts.replica?.name;
  }

  get tries(): number | undefined {
    return this.#attempts.tries;
  }

  start(): void {
    this.#options.carriage.began(performance.now());
    this.#try();
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    this.#isAbandoned = true;
    clearTimeout(this.#timer);
    this.#answering?.abandon();
    this.#abort?.();
  }

  late(): void {
    if (this.#answering === undefined) this.#attempts.failed();
  }

  /** Ends an answer that has begun so that nobody takes it for whole. */
  breakOff(): void {
    const { exchange } = this.#call;
    this.whole(() => exchange.cut());
  }

  resume(): void {
    this.#resume();
  }

  whole(release: () => void): void {
    const { status = 0, bytesOut = 0 } = this.#answering ?? {};
    this.#call.end(this.#attempts.answered({ status, bytesOut, release }));
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#isConnected = true;
    this.#abort = abort;
    if (this.#isAbandoned) abort();
  }

  onHeaders(status: number, raw: readonly (Buffer | string)[], resume: () => void): boolean {
    const answer = readAnswer(raw);
    if (status < 200) {
      this.#call.exchange.inform(status, answer.sent);
      return true;
    }
    this.#attempts.noteStatus(status);
    if (
      (status === 502 || status === 503) &&
      this.#later(this.#attempts.repeat(retryAfterMs(answer.sent, Date.now())))
    ) {
      this.#discarded = heldAnswerBytesMax;
      return true;
    }
    this.#attempts.answeredMs = performance.now();
    this.#resume = resume;
    answer.sent.push('x-headgate-request-id', this.#call.requestId);
    const hasNone = isBodiless(status) || this.#call.exchange.method === 'HEAD';
    const accepted = this.#options.carriage.answers?.accepted(this.#call.fields.acceptEncoding);
    const coding = accepted === undefined || hasNone ? undefined : codingOf(answer, status, accepted);
    this.#answering = new Answering(this, { status, answer, isBodiless: hasNone, coding });
    this.#answering.start();
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#answering !== undefined) return this.#answering.data(chunk);
    this.#discarded = (this.#discarded ?? 0) - chunk.length;
    if (this.#discarded < 0) this.#abort?.();
    return true;
  }

  onComplete(rawTrailers: readonly (Buffer | string)[] | null): void {
    this.#giveBack();
    if (this.#answering === undefined) {
      this.#done();
      return;
    }
    const trailers = rawTrailers?.length ? rawTrailers.map((text) => text.toString('latin1' as BufferEncoding)) : none;
    this.#answering.end(trailers);
  }

  onError(error: Error): void {
    this.#giveBack();
    if (this.#isAbandoned || this.#call.isEnding) return;
    if (this.#discarded !== undefined) {
      this.#done();
      return;
    }
    if (reasonOf(error) !== 'request-malformed') this.#attempts.failed();
    if (this.hasBegun) this.breakOff();
    // Nothing was sent: another replica may be better, whatever the body is.
    else if (!this.#isConnected && isUnreached(error)) this.#try();
    else if (this.#answering !== undefined || !isClosed(error) || !this.#later(this.#attempts.repeat(0))) {
      this.#call.refuse(reasonOf(error));
    }
  }

  #try(): void {
    const replica = this.#attempts.next();
    if (replica !== undefined) this.#send(replica);
    // All were tried, and none was reached.
    else if (this.endpoint === undefined || !this.#later(this.#attempts.again())) {
      this.#call.refuse('upstream-unavailable');
    }
  }

  #send(replica: Replica): void {
    const { permit, carriage } = this.#options;
    const { connectMs, answerMs } = carriage.traffic;
    this.#isConnected = false;
    this.#attempts.sentMs = performance.now();
    const { method, target } = this.#call.exchange;
    const { body } = this.#sent;
    const path = upstreamTarget(permit, target);
    // The same for both: then undici keeps one timer for both.
    const request = { method, path, headers: this.#headers(), body, headersTimeout: answerMs, bodyTimeout: answerMs };
    const isHttp1 = this.#call.exchange.authority === undefined;
    this.#client = replica.dispatch(permit, { connectMs, request, handler: this, isHttp1 } as Parameters<
      Replica['dispatch']
    >[1]);
    // What the client of the upstream's side won't send at all, it says before it returns.
    if (this.#call.isEnding) this.#giveBack();
  }

  /** Tries again after a while; false: not at all. */
  #later(waitMs: number | undefined): boolean {
    if (waitMs === undefined) return false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#discarded === undefined) this.#try();
      // An answer that nobody wants is not waited for.
      else this.#abort?.();
    }, waitMs);
    return true;
  }

  /** An answer that nobody wanted is over. */
  #done(): void {
    this.#discarded = undefined;
    if (this.#timer === undefined && !this.#isAbandoned) this.#try();
  }

  #giveBack(): void {
    this.#abort = undefined;
    if (this.#client !== undefined) this.#attempts.replica?.done(this.#client);
    this.#client = undefined;
  }

  /** What came in, less what is ours or the connection's; then ours. */
  #headers(): string[] {
    const { exchange, fields, requestId } = this.#call;
    const headers = ['host', exchange.authority ?? fields.host ?? ''].concat(this.#sent.fields);
    this.#options.answered.addFields(headers, requestId, exchange.address);
    return headers;
  }
}
