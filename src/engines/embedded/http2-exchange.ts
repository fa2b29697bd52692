import { Readable } from 'node:stream';
import type { DenialReason } from '../../gate/index.ts';
import { errorCodes, type Head, type Stream, type StreamEvents } from '../../http2/index.ts';
import type { Reading, StreamExchange } from './exchange.ts';
import { heldBodyBytesMax } from './limits.ts';

/** The call that an exchange belongs to. */
export interface Followed {
  /** Nobody waits for the answer any more, or it has ended. */
  left(): void;
  refuse(reason: DenialReason): void;
  /** Its answer, or that there is none, is settled. */
  readonly isEnding: boolean;
}

/** One request and its answer on a stream of HTTP/2. */
export class Http2Exchange implements StreamExchange, StreamEvents {
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly rawFields: readonly string[];
  readonly sensitive: ReadonlySet<string> | undefined;
  sensitiveAnswer: ReadonlySet<string> | undefined;
  readonly address: string;
  readonly isSound = true;
  readonly mayHaveBody: boolean;
  readonly stream: Stream;
  isPatient = false;
  #call: Followed | undefined;
  #reading: Reading | undefined;
  #body: StreamBody | undefined;
  #isReset = false;
  #drain: (() => void) | undefined;

  constructor(stream: Stream, head: Head, address: string) {
    this.method = head.method ?? '';
    this.target = head.path ?? '';
    this.authority = head.authority;
    this.rawFields = head.fields;
    this.sensitive = head.sensitive;
    this.address = address;
    this.mayHaveBody = !stream.isRemoteEnded;
    this.stream = stream;
    stream.events = this;
  }

  /** `call` hears of the end. */
  follow(call: Followed): void {
    this.#call = call;
  }

  /** Nothing has moved for too long. */
  silent(): void {
    // A client that doesn't take what there is for it.
    if (this.#call?.isEnding) this.cut();
    else if (!this.isPatient) this.#call?.refuse(this.isComplete ? 'upstream-timeout' : 'request-timeout');
  }

  /** Its connection's time is over. */
  letGo(): void {
    if (this.#call?.isEnding) this.cut();
    else this.#call?.refuse('gateway-draining');
  }

  get expectsContinue(): boolean {
    const fields = this.rawFields;
    for (let at = 0; at < fields.length; at += 2)
      if (fields[at] === 'expect') return fields[at + 1]?.toLowerCase() === '100-continue';
    return false;
  }

  get isReset(): boolean {
    return this.#isReset;
  }

  get isComplete(): boolean {
    return this.stream.isRemoteEnded;
  }

  get body(): Readable {
    this.#body ??= new StreamBody(this.stream);
    this.#reading = this.#body;
    return this.#body;
  }

  read(reading: Reading): void {
    this.#reading = reading;
    this.stream.resume();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  proceed(): void {
    if (this.expectsContinue) this.stream.head([':status', '100']);
  }

  inform(status: number, fields: readonly string[]): void {
    this.stream.head([':status', String(status), ...fields]);
  }

  respond(status: number, fields: string[], body: Buffer | undefined): void {
    if (body === undefined || body.length === 0) {
      this.stream.head(answerHead(status, fields), true, this.sensitiveAnswer);
      return;
    }
    this.stream.head(answerHead(status, fields), false, this.sensitiveAnswer);
    this.stream.end(body);
  }

  begin(status: number, fields: string[]): void {
    this.stream.head(answerHead(status, fields), false, this.sensitiveAnswer);
  }

  write(chunk: Buffer): boolean {
    return this.stream.write(chunk);
  }

  onDrain(then: () => void): void {
    this.#drain = then;
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    this.stream.end(chunk, trailers);
  }

  conclude(trailers: readonly string[]): void {
    this.stream.conclude(trailers);
  }

  get movedMs(): number {
    return this.stream.movedMs;
  }

  cut(): void {
    this.stream.reset(errorCodes.internal);
  }

  onHead(): void {}

  onRoom(): void {
    const then = this.#drain;
    this.#drain = undefined;
    then?.();
  }

  onData(chunk: Buffer): void {
    this.#reading?.data(chunk);
  }

  onEnd(): void {
    this.#reading?.end();
  }

  onClose(code: number): void {
    this.#isReset = code !== errorCodes.none;
    this.#body?.destroy();
    this.#call?.left();
  }
}

/** A body for who reads streams of Node. */
class StreamBody extends Readable implements Reading {
  readonly #stream: Stream;

  constructor(stream: Stream) {
    super({ highWaterMark: heldBodyBytesMax });
    this.#stream = stream;
  }

  override _read(): void {
    this.#stream.resume();
  }

  data(chunk: Buffer): void {
    if (!this.push(Buffer.from(chunk))) this.#stream.pause();
  }

  end(): void {
    this.push(null);
  }
}

/** Every answer has a date (RFC 9110, section 6.6.1). */
function answerHead(status: number, fields: readonly string[]): string[] {
  const head = [':status', String(status), ...fields];
  for (let at = 0; at < fields.length; at += 2) if ((fields[at] as string).toLowerCase() === 'date') return head;
  head.push('date', now());
  return head;
}

let second = 0;
let text = '';

function now(): string {
  const ms = Date.now();
  if (ms - second >= 1000 || ms < second) {
    second = ms - (ms % 1000);
    text = new Date(ms).toUTCString();
  }
  return text;
}
