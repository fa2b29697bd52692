import type { Socket } from 'node:net';
import { errors } from 'undici';
import { bodyBytesMax, keepAliveTimeoutMs } from '../../std/limits.ts';
import { AnswerParser, type AnswerReader } from './answer-parser.ts';

/** What hears of an answer: undici's low-level handler, with names and values as texts. */
export interface AnswerHandler {
  onConnect(abort: (error?: Error) => void): void;
  onHeaders(status: number, fields: readonly string[], resume: () => void): boolean;
  onData(chunk: Buffer): boolean;
  onComplete(trailers: readonly string[]): void;
  onError(error: Error): void;
}

/** One call on a line. */
export interface Sending {
  /** The head, up to and with its empty line. */
  readonly head: string;
  readonly body: Buffer | null;
  /** How long the answer may be silent. */
  readonly answerMs: number;
  readonly handler: AnswerHandler;
}

/** Requests up to this size leave as one string. */
const joinedBytesMax = 16_384;
/** How often lines are looked at on which nothing moves. */
const lookMs = 500;
/** A server that says when it closes an idle connection is believed, with so much to spare. */
const idleSparedMs = 2000;

/** One open connection to a replica, on which one call goes after the other. */
export class Line implements AnswerReader {
  isOver = false;
  readonly #socket: Socket;
  readonly #parser = new AnswerParser(this);
  readonly #abort = (error?: Error): void => this.fail(error ?? new errors.RequestAbortedError());
  readonly #resume = (): void => this.#goOn();
  #handler: AnswerHandler | undefined;
  #answerMs = 0;
  #idleMs = keepAliveTimeoutMs;
  #bytes = 0;
  #hasHead = false;
  #isPaused = false;
  /** What was read and not yet taken while it is paused. */
  #rest: Buffer | undefined;
  /** When something last moved, in looks. */
  #moved = looks;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new errors.SocketError('closed')));
    // Calls hold the thread, connections don't.
    socket.unref();
    watch(this);
  }

  send({ head, body, answerMs, handler }: Sending): void {
    this.#handler = handler;
    this.#answerMs = answerMs;
    this.#bytes = 0;
    this.#hasHead = false;
    this.#moved = looks;
    this.#parser.begin();
    handler.onConnect(this.#abort);
    if (this.isOver) return;
    const socket = this.#socket;
    if (body === null) socket.write(head, 'latin1');
    // As one string it leaves in one write(2); latin1 keeps every byte.
    else if (head.length + body.length <= joinedBytesMax) socket.write(head + body.toString('latin1'), 'latin1');
    else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
  }

  /** Bytes that were read, in memory that is used for the next. False: no more for now. */
  read(bytes: Buffer, count: number): boolean {
    if (this.isOver) return false;
    // Nobody has asked: whatever it is, the next call must not get it.
    if (this.#handler === undefined) this.fail(new errors.SocketError('bad response'));
    else this.#take(bytes, count);
    return !this.isOver && !this.#isPaused;
  }

  /** While no call is on it. */
  close(): void {
    this.fail(new errors.ClientClosedError());
  }

  fail(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    watched.delete(this);
    this.#socket.destroy();
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onError(error);
  }

  onHead(status: number, fields: readonly string[]): void {
    if (this.isOver) return;
    if (status === 100) throw new errors.SocketError('bad response');
    this.#hasHead = status >= 200;
    this.#handler?.onHeaders(status, fields, this.#resume);
  }

  onBody(chunk: Buffer): boolean {
    if (this.isOver) return false;
    this.#bytes += chunk.length;
    if (this.#bytes > bodyBytesMax) throw new errors.ResponseExceededMaxSizeError();
    if (this.#handler?.onData(chunk) !== false) return true;
    this.#isPaused = !this.isOver;
    return false;
  }

  onWhole(trailers: readonly string[]): void {
    if (this.isOver) return;
    const handler = this.#handler;
    this.#handler = undefined;
    this.#isPaused = false;
    const idleMs = Math.min((this.#parser.idleMs ?? keepAliveTimeoutMs + idleSparedMs) - idleSparedMs, idleMsMax);
    this.#idleMs = idleMs;
    if (!this.#parser.keepsAlive || idleMs <= 0) this.fail(new errors.SocketError('reset'));
    handler?.onComplete(trailers);
  }

  /** Ends what has been still for too long. */
  look(): void {
    const stillMs = (looks - this.#moved - 1) * lookMs;
    if (this.#handler === undefined) {
      if (stillMs >= this.#idleMs) this.fail(new errors.SocketError('idle'));
    } else if (stillMs >= this.#answerMs && !this.#isPaused) {
      this.fail(this.#hasHead ? new errors.BodyTimeoutError() : new errors.HeadersTimeoutError());
    }
  }

  #take(bytes: Buffer, count: number): void {
    this.#moved = looks;
    try {
      const next = this.#parser.feed(bytes, 0, count);
      if (this.isOver || next === count) return;
      if (this.#isPaused) this.#rest = Buffer.from(bytes.subarray(next, count));
      // More than the answer: it was answered what nobody has asked.
      else this.fail(new errors.SocketError('bad response'));
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #goOn(): void {
    if (!this.#isPaused || this.isOver) return;
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#take(rest, rest.length);
    if (!this.#isPaused && !this.isOver) this.#socket.resume();
  }

  #ended(): void {
    if (this.isOver) return;
    try {
      if (this.#handler !== undefined && this.#parser.end()) return;
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.fail(new errors.SocketError('other side closed'));
  }
}

const idleMsMax = 600_000;
const watched = new Set<Line>();
let looks = 0;
let looking: NodeJS.Timeout | undefined;

function watch(line: Line): void {
  watched.add(line);
  looking ??= setInterval(lookAtAll, lookMs).unref();
}

function lookAtAll(): void {
  looks += 1;
  for (const line of watched) line.look();
  if (watched.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}
