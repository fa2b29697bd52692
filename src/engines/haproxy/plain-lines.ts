import { byteKind, Copyist, type HeldCore, type PlainReader } from '../../audit/index.ts';
import type { CoreBooks } from './core-book.ts';
import { assistedLogForm, logForm } from './log-format.ts';

/**
 * Reads the lines of calls that were decided, and seen through where they were permitted, and writes their events: digits, addresses
 * and hexadecimal are copied, and behind them the bytes of the core, found by its number. INVARIANT: nothing else gets from a line
 * into an event, so that no caller's text can pose as a member. Every other line is log-line.ts's.
 */
export class PlainLines implements PlainReader {
  next = 0;
  timeMs = 0;
  status = 0;
  totalMs = 0;
  upstreamMs = -1;
  /** Of a call that waited the careful way tells. */
  readonly queueMs = -1;
  bytesIn = -1;
  bytesOut = -1;
  /** Trailers are not seen. */
  readonly grpcStatus = -1;
  /** Of a stream that it was told of the careful way tells. */
  readonly messagesIn = -1;
  readonly messagesOut = -1;
  readonly firstMs = -1;
  core!: HeldCore;
  readonly #books: CoreBooks;
  readonly #copyist = new Copyist();
  readonly #sources: Source[] = [];

  constructor(books: CoreBooks) {
    this.#books = books;
  }

  read(lines: Buffer, from: number, out: Buffer, at: number): number {
    const copyist = this.#copyist;
    copyist.begin(lines, from, out, at);
    const source = this.#sourceOf(lines, from);
    if (source === undefined) return 0;
    this.#call(source);
    this.#timing();
    this.#answer();
    const core = this.#coreOf(source);
    if (core === undefined) return 0;
    this.core = core;
    this.next = copyist.from;
    return copyist.end(core.tail);
  }

  /** Takes what all lines of one process and listener begin with. */
  #sourceOf(lines: Buffer, from: number): Source | undefined {
    const copyist = this.#copyist;
    for (const source of this.#sources) {
      if (!copyist.follows(source.start)) continue;
      copyist.take(source.start);
      return source;
    }
    const match = startForm.exec(lines.toString('latin1', from, from + startMax));
    if (match === null) return undefined;
    const [start, worker, listener] = match as unknown as readonly [string, string, string];
    const source = sourceOf(start, worker, listener);
    this.#sources.unshift(source);
    this.#sources.length = Math.min(this.#sources.length, sourcesMax);
    copyist.take(source.start);
    return source;
  }

  #call(source: Source): void {
    const copyist = this.#copyist;
    copyist.put(source.requestId);
    copyist.count();
    copyist.take(tab);
    copyist.put(form.timeMs);
    this.timeMs = copyist.count();
    copyist.take(tab);
    copyist.put(source.worker);
    copyist.countPlusOne();
    copyist.take(tab);
    copyist.put(form.address);
    if (copyist.follows(form.mapped)) copyist.take(form.mapped);
    copyist.run(kinds.address, addressMax);
    copyist.take(tab);
    if (this.timeMs === 0) copyist.ok = false;
  }

  #timing(): void {
    const copyist = this.#copyist;
    copyist.put(form.totalMs);
    this.totalMs = copyist.count();
    copyist.take(tab);
    this.#measured(form.connectMs);
    this.upstreamMs = this.#measured(form.upstreamMs);
    this.bytesIn = this.#measured(form.bytesIn);
    this.bytesOut = this.#measured(form.bytesOut);
    if (copyist.follows(form.noEndpoint)) copyist.take(form.noEndpoint);
    else {
      copyist.put(form.endpoint);
      copyist.address();
      copyist.take(tab);
      copyist.put(form.port);
      copyist.count();
      copyist.take(tab);
      copyist.put(form.quote);
    }
  }

  /** A member that is left out where HAProxy knows no value: -1. */
  #measured(member: Uint8Array): number {
    const copyist = this.#copyist;
    if (copyist.follows(form.unknown)) {
      copyist.take(form.unknown);
      return -1;
    }
    copyist.put(member);
    const value = copyist.count();
    copyist.take(tab);
    return value;
  }

  #answer(): void {
    const copyist = this.#copyist;
    copyist.put(form.status);
    this.status = copyist.count();
    copyist.take(tab);
    if (this.status < 100 || this.status > 999) copyist.ok = false;
    copyist.put(form.traceId);
    if (copyist.follows(form.noTrace)) {
      copyist.take(form.noTrace);
      copyist.put(form.none);
    } else this.#trace();
    copyist.put(form.comma);
  }

  /** `00-<trace id>-<span id>-<flags>`, W3C Trace Context; ids of zeros alone are left to the careful way. */
  #trace(): void {
    const copyist = this.#copyist;
    copyist.take(form.version);
    copyist.put(form.quote);
    if (copyist.follows(form.zeros)) copyist.ok = false;
    copyist.runOf(kinds.hex, 32);
    copyist.put(form.quote);
    copyist.take(form.dash);
    if (copyist.follows(form.zeros)) copyist.ok = false;
    copyist.put(form.span);
    copyist.runOf(kinds.hex, 16);
    copyist.copy(form.dash);
    copyist.runOf(kinds.hex, 2);
    copyist.put(form.quote);
    copyist.take(tab);
  }

  /** The core by the number that the line ends in, where it is that of the whole call; takes the rest of the line. */
  #coreOf({ process, hasCarried }: Source): HeldCore | undefined {
    const copyist = this.#copyist;
    const asked = this.#number();
    const kept = this.#number();
    const core = copyist.ok ? this.#books.of(process).at(asked >= 0 ? asked : kept) : undefined;
    if (core === undefined) return undefined;
    if (copyist.follows(form.regular)) copyist.take(form.regular);
    else {
      // A call that was permitted and ended oddly may be one that HAProxy, or the service, did not see through.
      if (core.core.outcome !== 'deny') return undefined;
      copyist.skip(kinds.termination, 8);
    }
    copyist.take(tab);
    // How often it was tried is in the event only where that was more than once.
    copyist.take(form.triedOnce);
    if (copyist.follows(form.unset)) copyist.take(form.unset);
    else if (copyist.follows(form.grpc)) copyist.take(form.grpc);
    else {
      // Why a gRPC call was refused; a permit that was not seen through has another core.
      if (core.core.outcome !== 'deny') return undefined;
      copyist.skip(kinds.reason, reasonMax);
      copyist.take(tab);
    }
    // How a call was carried that was handed over is read the careful way.
    if (hasCarried && !copyist.follows(form.unset)) return undefined;
    if (hasCarried) copyist.take(form.unset);
    copyist.skipLast();
    return core;
  }

  /** A number that is not written; -1 for none. */
  #number(): number {
    const copyist = this.#copyist;
    if (copyist.follows(form.unset)) {
      copyist.take(form.unset);
      return -1;
    }
    const value = copyist.skipCount();
    copyist.take(tab);
    return value;
  }
}

/** One listener of one process. */
interface Source {
  /** What its lines begin with. */
  readonly start: Uint8Array;
  /** What its events begin with. */
  readonly requestId: Uint8Array;
  /** What stands between the time and the sequence. */
  readonly worker: Uint8Array;
  /** Name of the process. */
  readonly process: string;
  /** Whether its lines say how a call was carried. */
  readonly hasCarried: boolean;
}

const startForm = new RegExp(`^(?:${logForm}|${assistedLogForm})\t([\\w.-]{1,64})\t(\\d{1,5})\t`);
const startMax = 80;
/** Listeners of processes whose lines are read at the same time; of more, each has to be found again. */
const sourcesMax = 64;
const addressMax = 45;

function sourceOf(start: string, process: string, listener: string): Source {
  return {
    start: bytes(start),
    requestId: bytes(`{"kind":"call","requestId":"${process}-`),
    worker: bytes(`,"worker":"${process}.${listener}","sequence":`),
    process,
    hasCarried: start.startsWith(assistedLogForm),
  };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

const tab = bytes('\t');
const reasonMax = 64;
const form = {
  timeMs: bytes('","timeMs":'),
  address: bytes(',"engine":"haproxy","address":"'),
  mapped: bytes('::ffff:'),
  totalMs: bytes('","timing":{"totalMs":'),
  connectMs: bytes(',"connectMs":'),
  upstreamMs: bytes(',"upstreamMs":'),
  bytesIn: bytes(',"bytesIn":'),
  bytesOut: bytes(',"bytesOut":'),
  unknown: bytes('-1\t'),
  endpoint: bytes(',"endpoint":"'),
  port: bytes(':'),
  noEndpoint: bytes('-\t-\t'),
  status: bytes('},"core":{"status":'),
  traceId: bytes(',"traceId":'),
  noTrace: bytes('-\t'),
  none: bytes('null'),
  version: bytes('00-'),
  zeros: bytes('0000000000000000'),
  dash: bytes('-'),
  span: bytes(',"span":"'),
  unset: bytes('-\t'),
  regular: bytes('--'),
  grpc: bytes('1\t'),
  triedOnce: bytes('0\t'),
  quote: bytes('"'),
  comma: bytes(','),
} as const;
const kinds = {
  address: byteKind(/[\da-fA-F.:]/),
  hex: byteKind(/[\da-f]/),
  termination: byteKind(/[A-Za-z-]/),
  reason: byteKind(/[a-z\d-]/),
} as const;
