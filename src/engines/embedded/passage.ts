import type { Readable } from 'node:stream';
import type { Client } from 'undici';
import type { Permit } from '../../gate/index.ts';
import { AnswerFields, readAnswer } from './answer-fields.ts';
import type { Answered } from './answered.ts';
import { Attempts, upstreamTarget } from './attempts.ts';
import type { Call, Underway } from './call.ts';
import { isClosed, isUnreached, reasonOf } from './failures.ts';
import { Held } from './held.ts';
import { heldAnswerBytesMax } from './limits.ts';
import type { Replica, Upstreams } from './upstreams.ts';

export interface PassageOptions {
  readonly permit: Permit;
  readonly answered: Answered;
  /** Whole where it is small, a stream where it isn't, null where there is none. */
  readonly body: Buffer | Readable | null;
  readonly upstreams: Upstreams;
}

const nothing = new AnswerFields();

/** Statuses whose answers never have a body. */
const isBodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * One permitted call on its way to a replica and its answer on the way back. Small answers are held whole and leave by one write
 * after the audit line; larger ones are streamed, all but their end.
 */
export class Passage implements Underway {
  readonly #call: Call;
  readonly #options: PassageOptions;
  readonly #attempts: Attempts<Replica>;
  readonly #held = new Held();
  #client: Client | undefined;
  #abort: ((error?: Error) => void) | undefined;
  #isAbandoned = false;
  #isConnected = false;
  #status = 0;
  #answer = nothing;
  #resume: () => void = () => undefined;
  /** The head is on its way to the client. */
  hasBegun = false;
  bytesOut = 0;

  constructor(call: Call, options: PassageOptions) {
    this.#call = call;
    this.#options = options;
    this.#attempts = new Attempts(options.permit, options.upstreams);
  }

  start(): void {
    const { permit, body } = this.#options;
    const replica = this.#attempts.next();
    if (replica === undefined) {
      this.#call.refuse('upstream-unavailable', undefined, this.#attempts.replica?.name);
      return;
    }
    this.#isConnected = false;
    this.#attempts.sentMs = performance.now();
    const { method, target } = this.#call.exchange;
    const options = { method, path: upstreamTarget(permit, target), headers: this.#headers(), body };
    this.#client = replica.dispatch(permit, options as Parameters<Replica['dispatch']>[1], this);
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#abort?.();
  }

  /** Ends an answer that has begun so that nobody takes it for whole. */
  breakOff(): void {
    const { exchange } = this.#call;
    this.#end(() => exchange.cut());
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#isConnected = true;
    this.#abort = abort;
    if (this.#isAbandoned) abort();
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) {
      this.#call.exchange.inform(status, readAnswer(raw).sent);
      return true;
    }
    this.#attempts.answeredMs = performance.now();
    this.#status = status;
    this.#resume = resume;
    const answer = readAnswer(raw);
    this.#answer = answer;
    answer.sent.push('x-headgate-request-id', this.#call.requestId);
    if (isBodiless(status) || this.#call.exchange.method === 'HEAD') return true;
    if (answer.announcesTrailers || (answer.length ?? 0) > heldAnswerBytesMax) this.#begin();
    // It doesn't say how long it will be: what is not here within this turn of the event loop may be long in coming.
    else if (answer.length === undefined) setImmediate(() => this.#begin());
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.bytesOut += chunk.length;
    // The last bytes of a known length are the end of the answer: they wait for the audit line.
    if (!this.hasBegun || this.bytesOut === this.#answer.length) {
      this.#held.add(chunk);
      if (this.#held.bytes > heldAnswerBytesMax && !this.hasBegun) this.#begin();
      return true;
    }
    const { exchange } = this.#call;
    if (exchange.write(chunk)) return true;
    exchange.onDrain(this.#resume);
    return false;
  }

  onComplete(rawTrailers: readonly (Buffer | string)[] | null): void {
    this.#giveBack();
    const { exchange } = this.#call;
    const held = this.#held.take();
    if (this.hasBegun) {
      const trailers = (rawTrailers ?? []).map((text) => text.toString('latin1' as BufferEncoding));
      this.#end(() => exchange.end(held, trailers));
      return;
    }
    const status = this.#status;
    const { sent: fields, length } = this.#answer;
    if (length === undefined && !isBodiless(status) && exchange.method !== 'HEAD') {
      fields.push('content-length', String(this.bytesOut));
    }
    this.#end(() => exchange.respond(status, fields, held));
  }

  onError(error: Error): void {
    this.#giveBack();
    if (this.#isAbandoned || this.#call.isEnding) return;
    if (this.hasBegun) {
      this.breakOff();
      return;
    }
    // Nothing was sent: another replica may be better, whatever the body is.
    if (!this.#isConnected && isUnreached(error)) {
      this.start();
      return;
    }
    if (this.#mayRetry(error)) {
      this.start();
      return;
    }
    this.#call.refuse(reasonOf(error), undefined, this.#attempts.replica?.name);
  }

  /** A connection that was closed before any byte of the answer: once more, if that is safe and the body is still here. */
  #mayRetry(error: Error): boolean {
    const { permit, body } = this.#options;
    if (this.#status !== 0 || !permit.fields.operation.safe) return false;
    return (body === null || Buffer.isBuffer(body)) && isClosed(error) && this.#attempts.again();
  }

  #begin(): void {
    if (this.hasBegun || this.#call.isEnding || this.#status === 0) return;
    this.hasBegun = true;
    const { exchange } = this.#call;
    try {
      exchange.begin(this.#status, this.#answer.sent, this.#answer.announcesTrailers);
    } catch {
      this.breakOff();
      return;
    }
    const held = this.#held.take();
    if (held === undefined) return;
    if (this.bytesOut === this.#answer.length) this.#held.add(held);
    else exchange.write(held);
  }

  #end(release: () => void): void {
    this.#call.end(this.#attempts.answered({ status: this.#status, bytesOut: this.bytesOut, release }));
  }

  #giveBack(): void {
    this.#abort = undefined;
    if (this.#client !== undefined) this.#attempts.replica?.done(this.#client);
    this.#client = undefined;
  }

  /** What came in, less what is ours or the connection's; then ours. */
  #headers(): string[] {
    const { exchange, fields, requestId } = this.#call;
    const headers = ['host', exchange.authority ?? fields.host ?? ''].concat(fields.sent);
    this.#options.answered.addFields(headers, requestId, exchange.address);
    return headers;
  }
}
