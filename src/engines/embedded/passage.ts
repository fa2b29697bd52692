import type { Readable } from 'node:stream';
import type { Client } from 'undici';
import type { DenialReason, Permit } from '../../gate/index.ts';
import type { Answered } from './answered.ts';
import type { Call, Underway } from './call.ts';
import { isOfConnection } from './fields.ts';
import { heldAnswerBytesMax } from './limits.ts';
import type { Replica, Upstreams } from './upstreams.ts';

/** How a call ends: what is recorded, and what is done once it is. */
export interface Ending {
  /** 0: the client left before. */
  readonly status: number;
  readonly bytesOut: number;
  /** Where the call was refused. */
  readonly reason?: DenialReason;
  readonly endpoint?: string;
  readonly upstreamMs?: number;
  /** What the service answered a gRPC call with. */
  readonly grpcStatus?: number | undefined;
  readonly release: () => void;
}

export interface PassageOptions {
  readonly permit: Permit;
  readonly answered: Answered;
  /** Whole where it is small, a stream where it isn't, null where there is none. */
  readonly body: Buffer | Readable | null;
  readonly upstreams: Upstreams;
}

/** Statuses whose answers never have a body. */
const isBodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * One permitted call on its way to a replica and its answer on the way back. Small answers are held whole and leave by one write
 * after the audit line; larger ones are streamed, all but their end.
 */
export class Passage implements Underway {
  readonly #call: Call;
  readonly #options: PassageOptions;
  readonly #tried: Replica[] = [];
  #replica: Replica | undefined;
  #client: Client | undefined;
  #abort: ((error?: Error) => void) | undefined;
  #isAbandoned = false;
  #hasRetried = false;
  /** Where all were tried, one of them may be tried again. */
  #isAgain = false;
  #isConnected = false;
  #sentMs = 0;
  #answeredMs = 0;
  #status = 0;
  #fields: string[] = [];
  /** Bytes that the answer says it has; undefined: it doesn't say. */
  #length: number | undefined;
  #announcesTrailers = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #resume: () => void = () => undefined;
  /** The head is on its way to the client. */
  hasBegun = false;
  bytesOut = 0;

  constructor(call: Call, options: PassageOptions) {
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
      this.#call.refuse('upstream-unavailable', undefined, this.#replica?.name);
      return;
    }
    this.#tried.push(replica);
    this.#replica = replica;
    this.#isConnected = false;
    this.#sentMs = performance.now();
    const { method, target } = this.#call.exchange;
    const options = { method, path: this.#path(target), headers: this.#headers(), body: this.#options.body };
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
      this.#call.exchange.inform(status, this.#read(raw));
      return true;
    }
    this.#answeredMs = performance.now();
    this.#status = status;
    noteStatus(this.#replica, status);
    this.#resume = resume;
    this.#fields = this.#read(raw);
    this.#fields.push('x-headgate-request-id', this.#call.requestId);
    if (isBodiless(status) || this.#call.exchange.method === 'HEAD') return true;
    if (this.#announcesTrailers || (this.#length ?? 0) > heldAnswerBytesMax) this.#begin();
    // It doesn't say how long it will be: what is not here within this turn of the event loop may be long in coming.
    else if (this.#length === undefined) setImmediate(() => this.#begin());
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.bytesOut += chunk.length;
    // The last bytes of a known length are the end of the answer: they wait for the audit line.
    if (!this.hasBegun || this.bytesOut === this.#length) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > heldAnswerBytesMax && !this.hasBegun) this.#begin();
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
    const held = this.#takeHeld();
    if (this.hasBegun) {
      const trailers = (rawTrailers ?? []).map((text) => text.toString('latin1' as BufferEncoding));
      this.#end(() => exchange.end(held, trailers));
      return;
    }
    const [status, fields] = [this.#status, this.#fields];
    if (this.#length === undefined && !isBodiless(status) && exchange.method !== 'HEAD') {
      fields.push('content-length', String(this.bytesOut));
    }
    this.#end(() => exchange.respond(status, fields, held));
  }

  onError(error: Error): void {
    this.#giveBack();
    if (this.#isAbandoned || this.#call.isEnding) return;
    if (reasonOf(error) !== 'request-malformed') this.#replica?.member.failed();
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
      this.#hasRetried = true;
      this.#isAgain = true;
      this.start();
      return;
    }
    this.#call.refuse(reasonOf(error), undefined, this.#replica?.name);
  }

  /** A connection that was closed before any byte of the answer: once more, if that is safe and the body is still here. */
  #mayRetry(error: Error): boolean {
    const { permit, body } = this.#options;
    if (this.#hasRetried || this.#status !== 0 || !permit.fields.operation.safe) return false;
    return (body === null || Buffer.isBuffer(body)) && isClosed(error);
  }

  #begin(): void {
    if (this.hasBegun || this.#call.isEnding || this.#status === 0) return;
    this.hasBegun = true;
    const { exchange } = this.#call;
    try {
      exchange.begin(this.#status, this.#fields, this.#announcesTrailers);
    } catch {
      this.breakOff();
      return;
    }
    const held = this.#takeHeld();
    if (held === undefined) return;
    if (this.bytesOut === this.#length) this.#held.push(held);
    else exchange.write(held);
  }

  #end(release: () => void): void {
    this.#call.end({
      status: this.#status,
      bytesOut: this.bytesOut,
      endpoint: this.#replica?.name ?? '',
      upstreamMs: this.#answeredMs - this.#sentMs,
      release,
    });
  }

  #takeHeld(): Buffer | undefined {
    const held = this.#held;
    if (held.length === 0) return undefined;
    this.#held = [];
    this.#heldBytes = 0;
    return held.length === 1 ? held[0] : Buffer.concat(held);
  }

  #giveBack(): void {
    this.#abort = undefined;
    if (this.#client !== undefined) this.#replica?.done(this.#client);
    this.#client = undefined;
  }

  #path(target: string): string {
    const { upstreamPath } = this.#options.permit.fields;
    const query = target.indexOf('?');
    return query === -1 ? upstreamPath : upstreamPath + target.slice(query);
  }

  /** What came in, less what is ours or the connection's; then ours. */
  #headers(): string[] {
    const { exchange, fields, requestId } = this.#call;
    const headers = ['host', exchange.authority ?? fields.host ?? ''].concat(fields.sent);
    this.#options.answered.addFields(headers, requestId, exchange.address);
    return headers;
  }

  /** Fields of the answer that go on; notes what they say of its body. */
  #read(raw: readonly Buffer[]): string[] {
    const fields: string[] = [];
    let connection: string | undefined;
    for (let at = 0; at < raw.length; at += 2) {
      const name = (raw[at] as Buffer).toString('latin1');
      const value = (raw[at + 1] as Buffer).toString('latin1');
      const kind = answerKinds.get(name) ?? answerKind(name);
      if (kind === dropped) continue;
      if (kind === connectionField) {
        connection = connection === undefined ? value : `${connection},${value}`;
        continue;
      }
      if (kind === lengthField) this.#length = Number(value);
      else if (kind === trailerField) this.#announcesTrailers = true;
      fields.push(name, value);
    }
    return connection === undefined || /^(keep-alive|close)$/i.test(connection) ? fields : less(fields, connection);
  }
}

const kept = 0;
const dropped = 1;
const connectionField = 2;
const lengthField = 3;
const trailerField = 4;
const answerKinds = new Map<string, number>();
const answerNamesMax = 1000;

function answerKind(name: string): number {
  const lower = name.toLowerCase();
  let kind = isOfConnection(lower) || lower === 'x-headgate-request-id' ? dropped : kept;
  if (lower === 'connection') kind = connectionField;
  if (lower === 'content-length') kind = lengthField;
  if (lower === 'trailer') kind = trailerField;
  if (answerKinds.size < answerNamesMax) answerKinds.set(name, kind);
  return kind;
}

function less(fields: readonly string[], connection: string): string[] {
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  return fields.filter((_text, at) => !names.has((fields[at - (at % 2)] as string).toLowerCase()));
}

/** 502, 503 and 504 say that a replica can't answer; whatever else it says, it lives. */
function noteStatus(replica: Replica | undefined, status: number): void {
  if (status >= 502 && status <= 504) replica?.member.failed();
  else replica?.member.succeeded();
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

/** The connection could not be made, so that nothing was sent. */
function isUnreached(error: Error): boolean {
  return !codeOf(error).startsWith('UND_ERR_INVALID') && !codeOf(error).startsWith('UND_ERR_NOT_SUPPORTED');
}

function isClosed(error: Error): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

function reasonOf(error: Error): DenialReason {
  const code = codeOf(error);
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'upstream-timeout';
  // Fields or a target that the upstream's side of HTTP can't carry.
  if (code.startsWith('UND_ERR_INVALID') || code === 'UND_ERR_NOT_SUPPORTED') return 'request-malformed';
  return 'upstream-malformed';
}
