import type { Transform } from 'node:stream';
import type { Coding } from '../../plan/types.ts';
import type { AnswerFields } from './answer-fields.ts';
import type { Recipient } from './carried.ts';
import { markCoded } from './coded-answer.ts';
import { coded, coder } from './codings.ts';
import { Held } from './held.ts';
import { heldAnswerBytesMax } from './limits.ts';

/** Where an answer comes from, and who hears of its end. */
export interface Answerer {
  readonly exchange: Recipient;
  /** The call has been ended otherwise. */
  readonly isOver: boolean;
  /** Goes on reading. */
  resume(): void;
  /** The whole answer is here. `release` lets its end go, once it is recorded. */
  whole(release: () => void): void;
  /** It has begun and can't be ended well. */
  breakOff(): void;
}

export interface Head {
  readonly status: number;
  readonly answer: AnswerFields;
  /** The answer has none, whatever its fields say. */
  readonly isBodiless: boolean;
  /** What its body is coded in on the way. */
  readonly coding: Coding | undefined;
}

/**
 * An answer on its way back to the client. Small ones are held whole and leave by one write after the audit line; larger ones are
 * streamed, all but their end.
 */
export class Answering {
  readonly #from: Answerer;
  readonly #head: Head;
  readonly #held = new Held();
  /** Bytes that came in, of a body that isn't coded as it passes. */
  #bytes = 0;
  #isWhole = false;
  #coder: Transform | undefined;
  /** The head is on its way to the client. */
  hasBegun = false;
  bytesOut = 0;

  constructor(from: Answerer, head: Head) {
    this.#from = from;
    this.#head = head;
  }

  get status(): number {
    return this.#head.status;
  }

  start(): void {
    const { answer, isBodiless } = this.#head;
    if (isBodiless) return;
    if (answer.announcesTrailers || (answer.length ?? 0) > heldAnswerBytesMax) this.#begin();
    // It doesn't say how long it will be: what is not here within this turn of the event loop may be long in coming.
    else if (answer.length === undefined) setImmediate(() => this.#begin());
  }

  /** False: no more until `resume`. */
  data(chunk: Buffer): boolean {
    if (this.#coder !== undefined) return this.#coder.write(chunk);
    this.#bytes += chunk.length;
    this.bytesOut = this.#bytes;
    // The last bytes of a known length are the end of the answer: they wait for the audit line.
    if (!this.hasBegun || this.#bytes === this.#head.answer.length) {
      this.#held.add(chunk);
      if (this.#held.bytes > heldAnswerBytesMax && !this.hasBegun) this.#begin();
      return true;
    }
    return this.#write(chunk);
  }

  /** No more comes. */
  end(trailers: readonly string[]): void {
    this.#isWhole = true;
    const { exchange } = this.#from;
    if (this.#coder !== undefined) {
      this.#coder.once('end', () => this.#from.whole(() => exchange.end(undefined, trailers)));
      this.#coder.end();
    } else if (this.hasBegun) {
      const held = this.#held.take();
      this.#from.whole(() => exchange.end(held, trailers));
    } else this.#respond();
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#coder?.destroy();
  }

  #respond(): void {
    const { exchange } = this.#from;
    const { status, answer, isBodiless, coding } = this.#head;
    const { sent: fields, length } = answer;
    let held = this.#held.take();
    if (held !== undefined && coding !== undefined) {
      markCoded(answer, coding);
      held = coded(held, coding);
      this.bytesOut = held.length;
      fields.push('content-length', String(held.length));
    } else if (length === undefined && !isBodiless) fields.push('content-length', String(this.bytesOut));
    this.#from.whole(() => exchange.respond(status, fields, held));
  }

  #begin(): void {
    if (this.hasBegun || this.#isWhole || this.#from.isOver) return;
    this.hasBegun = true;
    const { status, answer, coding } = this.#head;
    if (coding !== undefined) this.#coder = this.#startCoder(coding);
    try {
      this.#from.exchange.begin(status, answer.sent, answer.announcesTrailers);
    } catch {
      this.#from.breakOff();
      return;
    }
    const held = this.#held.take();
    if (held === undefined) return;
    if (this.#coder !== undefined) this.#coder.write(held);
    else if (this.#bytes === answer.length) this.#held.add(held);
    else this.#from.exchange.write(held);
  }

  /** What it codes goes on as it comes, no faster than the client takes it. */
  #startCoder(coding: Coding): Transform {
    const { answer } = this.#head;
    const stream = coder(coding, answer.length === undefined);
    markCoded(answer, coding);
    this.bytesOut = 0;
    stream.on('drain', () => this.#from.resume());
    stream.on('error', () => this.#from.breakOff());
    stream.on('data', (chunk: Buffer) => {
      this.bytesOut += chunk.length;
      if (this.#from.exchange.write(chunk)) return;
      stream.pause();
      this.#from.exchange.onDrain(() => stream.resume());
    });
    return stream;
  }

  #write(chunk: Buffer): boolean {
    const { exchange } = this.#from;
    if (exchange.write(chunk)) return true;
    exchange.onDrain(() => this.#from.resume());
    return false;
  }
}
