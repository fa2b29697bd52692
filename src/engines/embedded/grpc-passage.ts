import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Permit } from '../../gate/index.ts';
import { upstreamTimeoutMs } from '../../std/limits.ts';
import type { UpstreamFields } from './answered.ts';
import type { Carried, Underway } from './carried.ts';
import type { GrpcReplica, GrpcUpstreams, Looked, Session } from './grpc-replica.ts';
import { heldAnswerBytesMax } from './limits.ts';
import type { Ending } from './passage.ts';

export interface GrpcPassageOptions {
  readonly permit: Permit;
  readonly answered: UpstreamFields;
  readonly upstreams: GrpcUpstreams;
  /** The message, frame and all, as far as it is here; whole where `isWhole`. */
  readonly body: Buffer;
  readonly isWhole: boolean;
  /** Asked for the rest, where the message isn't whole. */
  readonly resume: () => void;
}

/** https://grpc.io/docs/guides/status-codes/ */
const unavailable = 14;
const endOfStream = constants.NGHTTP2_FLAG_END_STREAM;

/**
 * One permitted gRPC call on its way to a replica and its answer on the way back. Small answers are held whole, larger ones are
 * streamed; the trailers, without which no client takes an answer for one, leave after the audit line.
 */
export class GrpcPassage implements Underway, Looked {
  readonly #call: Carried;
  readonly #options: GrpcPassageOptions;
  readonly #tried: GrpcReplica[] = [];
  #replica: GrpcReplica | undefined;
  #session: Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  #isOver = false;
  /** A replica was opened and not given back yet. */
  #isOpen = false;
  #hasRetried = false;
  /** Where all were tried, one of them may be tried again. */
  #isAgain = false;
  #aborting: AbortController | undefined;
  #sentMs = 0;
  #answeredMs = 0;
  /** When anything last went to the replica or came from it. */
  #movedMs = 0;
  #status = 0;
  #fields: string[] = [];
  #trailers: string[] | undefined;
  #hasEnded = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #grpcStatus: number | undefined;
  hasBegun = false;
  bytesOut = 0;

  constructor(call: Carried, options: GrpcPassageOptions) {
    this.#call = call;
    this.#options = options;
  }

  start(): void {
    const { permit, upstreams } = this.#options;
    const { rawFields } = this.#call.exchange;
    const wanted = { operation: permit.fields.operation, rawFields };
    const replica = upstreams.pick(wanted, this.#tried) ?? (this.#isAgain ? upstreams.pick(wanted, []) : undefined);
    this.#isAgain = false;
    if (replica === undefined) {
      this.#over();
      this.#call.refuse('upstream-unavailable', undefined, this.#replica?.name);
      return;
    }
    this.#tried.push(replica);
    this.#replica = replica;
    this.#isOpen = true;
    upstreams.calls.add(this);
    replica.open(permit, (session) => {
      this.#session = session;
      if (this.#isOver) this.#giveBack();
      else if (session !== undefined) this.#send(session);
      else {
        // Nothing was sent: another replica may be better, whatever the message is.
        replica.member.failed();
        this.#giveBack();
        this.start();
      }
    });
  }

  get endpoint(): string | undefined {
    return this.#replica?.name;
  }

  /** More of a message that isn't whole. False: ask for no more until `resume`. */
  write(chunk: Buffer): boolean {
    this.#movedMs = performance.now();
    return this.#stream === undefined || this.#stream.destroyed || this.#stream.write(chunk);
  }

  finish(chunk: Buffer): void {
    this.#stream?.end(chunk);
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#over();
    this.#reset();
  }

  breakOff(): void {
    const { exchange } = this.#call;
    this.#end(() => exchange.cut());
  }

  #send({ http2 }: Session): void {
    const { body, isWhole, resume } = this.#options;
    this.#sentMs = performance.now();
    this.#movedMs = this.#sentMs;
    let stream: ClientHttp2Stream;
    try {
      if (!isWhole) this.#aborting = new AbortController();
      stream = http2.request(this.#headers(), this.#aborting && { signal: this.#aborting.signal });
    } catch {
      this.#failed(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    this.#stream = stream;
    stream.on('response', (_headers, flags, raw) => this.#onResponse(raw as string[], (flags & endOfStream) !== 0));
    stream.on('error', () => undefined);
    stream.once('close', () => this.#onClose(stream));
    if (isWhole) {
      stream.end(body);
      return;
    }
    stream.on('drain', resume);
    if (stream.write(body)) resume();
  }

  #onResponse(raw: readonly string[], isWhole: boolean): void {
    if (this.#isOver) return;
    this.#answeredMs = performance.now();
    this.#movedMs = this.#answeredMs;
    this.#fields = this.#read(raw);
    this.#fields.push('x-headgate-request-id', this.#call.requestId);
    if (isWhole) {
      this.#complete();
      return;
    }
    const stream = this.#stream as ClientHttp2Stream;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('trailers', (_trailers, _flags, trailers) => {
      this.#trailers = this.#readTrailers(trailers as unknown as string[]);
      if (this.#hasEnded) this.#complete();
    });
    stream.on('end', () => {
      this.#hasEnded = true;
      if (this.#trailers !== undefined) this.#complete();
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.bytesOut += chunk.length;
    this.#movedMs = performance.now();
    const { exchange } = this.#call;
    if (!this.hasBegun) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > heldAnswerBytesMax) this.#begin();
      return;
    }
    const stream = this.#stream as ClientHttp2Stream;
    if (exchange.write(chunk)) return;
    stream.pause();
    exchange.onDrain(() => stream.resume());
  }

  #begin(): void {
    this.hasBegun = true;
    const { exchange } = this.#call;
    exchange.begin(this.#status, this.#fields, true);
    exchange.write(this.#takeHeld() as Buffer);
  }

  /** The answer is here, whole. */
  #complete(): void {
    if (this.#isOver) return;
    const isUnable = this.#grpcStatus === unavailable || (this.#status >= 502 && this.#status <= 504);
    if (isUnable) this.#replica?.member.failed();
    else this.#replica?.member.succeeded();
    const { exchange } = this.#call;
    const [status, fields, trailers, held] = [this.#status, this.#fields, this.#trailers, this.#takeHeld()];
    this.#end(() => {
      if (this.hasBegun) exchange.end(held, trailers ?? []);
      else if (trailers === undefined) exchange.respond(status, fields, held);
      else {
        exchange.begin(status, fields, true);
        exchange.end(held, trailers);
      }
    });
  }

  /** A stream may end without trailers, where what answers isn't gRPC; or it broke. */
  #onClose(stream: ClientHttp2Stream): void {
    if (this.#isOver || stream !== this.#stream) return;
    if (this.#hasEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#complete();
    else this.#failed(stream.rstCode);
  }

  /** Looked at now and then, because a timer for each call costs more than all looking. */
  look(nowMs: number): void {
    if (this.#isOver || nowMs - this.#movedMs < upstreamTimeoutMs) return;
    this.#replica?.member.failed();
    if (this.hasBegun) this.breakOff();
    else this.#call.refuse('upstream-timeout', undefined, this.#replica?.name);
    this.#reset();
  }

  /** Node's `close` says first that the stream is over (END_STREAM): a message that isn't whole must not end like one. */
  #reset(): void {
    if (this.#options.isWhole) this.#stream?.close(constants.NGHTTP2_CANCEL);
    else this.#aborting?.abort();
  }

  #failed(code: number): void {
    this.#stream = undefined;
    this.#replica?.member.failed();
    this.#giveBack();
    if (this.hasBegun) {
      this.breakOff();
      return;
    }
    const { permit, isWhole } = this.#options;
    // Refused streams were not begun upon (RFC 9113, section 8.7); others are safe to send again where the operation is.
    const isSafe = code === constants.NGHTTP2_REFUSED_STREAM || permit.fields.operation.safe;
    if (isWhole && isSafe && !this.#hasRetried && this.#status === 0) {
      this.#hasRetried = true;
      this.#isAgain = true;
      this.start();
      return;
    }
    this.#over();
    this.#call.refuse('upstream-malformed', undefined, this.#replica?.name);
  }

  #end(release: () => void): void {
    this.#over();
    const ending: Ending = {
      status: this.#status,
      bytesOut: this.bytesOut,
      endpoint: this.#replica?.name ?? '',
      upstreamMs: this.#answeredMs - this.#sentMs,
      grpcStatus: this.#grpcStatus,
      release,
    };
    this.#call.end(ending);
  }

  #over(): void {
    this.#isOver = true;
    this.#giveBack();
  }

  /** Once for each replica that was opened. */
  #giveBack(): void {
    const session = this.#session;
    this.#session = undefined;
    if (this.#isOpen) {
      this.#options.upstreams.calls.delete(this);
      this.#replica?.done(session);
    }
    this.#isOpen = false;
  }

  #takeHeld(): Buffer | undefined {
    const held = this.#held;
    if (held.length === 0) return undefined;
    this.#held = [];
    this.#heldBytes = 0;
    return held.length === 1 ? held[0] : Buffer.concat(held);
  }

  /** What came in, less what is ours or the connection's; then ours. */
  #headers(): string[] {
    const { exchange, fields, requestId } = this.#call;
    const { upstreamPath } = this.#options.permit.fields;
    const query = exchange.target.indexOf('?');
    const path = query === -1 ? upstreamPath : upstreamPath + exchange.target.slice(query);
    const headers = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', exchange.authority ?? ''];
    const { sent } = fields;
    for (let at = 0; at < sent.length; at += 2) {
      // The message may grow by the version that was chosen.
      if (sent[at] !== 'content-length') headers.push(sent[at] as string, sent[at + 1] as string);
    }
    this.#options.answered.addFields(headers, requestId, exchange.address);
    headers.push('te', 'trailers');
    return headers;
  }

  #read(raw: readonly string[]): string[] {
    const fields: string[] = [];
    for (let at = 0; at < raw.length; at += 2) {
      const [name, value] = [raw[at] as string, raw[at + 1] as string];
      if (name === ':status') this.#status = Number(value);
      else if (name !== 'x-headgate-request-id') fields.push(name, value);
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
