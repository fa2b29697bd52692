import type { Permit } from '../../gate/index.ts';
import { errorCodes, type Head, type Stream, type StreamEvents } from '../../http2/index.ts';
import { upstreamTimeoutMs } from '../../std/limits.ts';
import type { Answered } from './answered.ts';
import type { Underway } from './call.ts';
import type { GrpcCall } from './grpc-call.ts';
import type { GrpcReplica, GrpcUpstreams, Looked, Session } from './grpc-replica.ts';
import { heldAnswerBytesMax } from './limits.ts';
import type { Ending } from './passage.ts';

export interface GrpcPassageOptions {
  readonly permit: Permit;
  readonly answered: Answered;
  readonly upstreams: GrpcUpstreams;
  /** The message, frame and all, as far as it is here; whole where `isWhole`. */
  readonly body: Buffer;
  readonly isWhole: boolean;
  /** Asked for the rest, where the message isn't whole. */
  readonly resume: () => void;
}

/** https://grpc.io/docs/guides/status-codes/ */
const unavailable = 14;

/**
 * One permitted gRPC call on its way to a replica and its answer on the way back. Small answers are held whole, larger ones are
 * streamed; the trailers, without which no client takes an answer for one, leave after the audit line.
 */
export class GrpcPassage implements Underway, Looked, StreamEvents {
  readonly #call: GrpcCall;
  readonly #options: GrpcPassageOptions;
  readonly #tried: GrpcReplica[] = [];
  #replica: GrpcReplica | undefined;
  #session: Session | undefined;
  #stream: Stream | undefined;
  #isOver = false;
  /** A replica was opened and not given back yet. */
  #isOpen = false;
  #hasRetried = false;
  /** Where all were tried, one of them may be tried again. */
  #isAgain = false;
  #sentMs = 0;
  #answeredMs = 0;
  /** When anything last went to the replica or came from it. */
  #movedMs = 0;
  #status = 0;
  #fields: string[] = [];
  #trailers: string[] | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #grpcStatus: number | undefined;
  hasBegun = false;
  bytesOut = 0;

  constructor(call: GrpcCall, options: GrpcPassageOptions) {
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

  breakOff(): void {
    const { exchange } = this.#call;
    this.#end(() => exchange.cut());
  }

  #send({ http2 }: Session): void {
    const { body, isWhole, resume } = this.#options;
    this.#sentMs = performance.now();
    this.#movedMs = this.#sentMs;
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
    this.#answeredMs = performance.now();
    this.#movedMs = this.#answeredMs;
    this.#status = head.status;
    this.#call.exchange.sensitiveAnswer = head.sensitive;
    this.#fields = this.#read(head.fields);
    this.#fields.push('x-headgate-request-id', this.#call.requestId);
  }

  onEnd(trailers: Head | undefined): void {
    if (this.#isOver) return;
    if (trailers !== undefined) this.#trailers = this.#readTrailers(trailers.fields);
    this.#complete();
  }

  onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.bytesOut += chunk.length;
    this.#movedMs = performance.now();
    const { exchange } = this.#call;
    if (!this.hasBegun) {
      this.#held.push(Buffer.from(chunk));
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > heldAnswerBytesMax) this.#begin();
      return;
    }
    const stream = this.#stream as Stream;
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

  onClose(code: number): void {
    if (!this.#isOver) this.#failed(code);
  }

  /** Looked at now and then, because a timer for each call costs more than all looking. */
  look(nowMs: number): void {
    if (this.#isOver || nowMs - this.#movedMs < upstreamTimeoutMs) return;
    this.#replica?.member.failed();
    if (this.hasBegun) this.breakOff();
    else this.#call.refuse('upstream-timeout', undefined, this.#replica?.name);
    this.#reset();
  }

  #reset(): void {
    this.#stream?.reset(errorCodes.cancel);
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
    const isSafe = code === errorCodes.refusedStream || permit.fields.operation.safe;
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
    // Whoever has answered takes no more of the message.
    if (this.#stream?.isLocalEnded === false) this.#reset();
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
