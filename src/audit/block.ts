import { hash } from 'node:crypto';
import { blockBytesMax, blockEventsMax } from './bounds.ts';
import type { Batch } from './chain.ts';
import { callHead, heldCore, otherLine, sealBody, sealHash } from './chain-line.ts';
import type { AuditRecord, ChainedCalls, HeldCore, OtherEvent, ParsedRecord, PlainReader, Seal } from './types.ts';

/** A block as bytes, sealed, and what is in it. */
export interface SealedBlock extends Batch {
  readonly calls: ChainedCalls;
  /** Of the last call; 0 where there is none. */
  readonly timeMs: number;
  readonly unreadable: number;
  /** Ids of the calls that it tells of as open. */
  readonly opened: readonly string[];
}

/** Where a block goes in the chain, and what it was read from. */
export type BlockPlace = Pick<Seal, 'previous' | 'spool' | 'from' | 'end' | 'timeMs'> & {
  /** Position of the event before it. */
  readonly position: number;
};

/**
 * The block that is being put together, in memory that is used again: its lines are written once, hashed in one go, and appended
 * from where they stand.
 */
export class Block {
  #memory = Buffer.allocUnsafe(blockBytesMax + sealBytesMax);
  #length = 0;
  #count = 0;
  #unreadable = 0;
  #timeMs = 0;
  #opened: string[] = [];
  readonly #calls = new Calls();

  /** Events in it. */
  get count(): number {
    return this.#count;
  }

  /** The next event, if it is of usual length, has no room. A first one always has. */
  get isFull(): boolean {
    return this.#count >= blockEventsMax || (this.#count > 0 && this.#length > blockBytesMax - usualBytesMax);
  }

  clear(): void {
    this.#length = 0;
    this.#count = 0;
    this.#unreadable = 0;
    this.#timeMs = 0;
    this.#opened = [];
    this.#calls.count = 0;
  }

  /** Adds the event of the plain line at `from`; false: it is not plain, or there is no room. Not where it is full. */
  addPlain(plain: PlainReader, lines: Buffer, from: number): boolean {
    const end = plain.read(lines, from, this.#memory, this.#length);
    // A reader that writes past the memory writes nothing there: the room for a seal tells.
    if (end === 0 || end > blockBytesMax) return false;
    this.#calls.add(this.#memory, this.#length, end, plain);
    this.#timeMs = plain.timeMs;
    this.#count += 1;
    this.#length = end;
    return true;
  }

  /** Adds the event of a record; false: there is no room. A first one always fits. */
  addCall(record: ParsedRecord): boolean {
    const { status, traceId, span, ...core } = record.core;
    const held = record.held ?? heldCore(core);
    const head = Buffer.from(callHead(record));
    const start = this.#length;
    if (!this.#add(head, held.tail)) return false;
    this.#calls.add(this.#memory, start, this.#length, { ...unknown, ...record.timing, status, core: held });
    this.#timeMs = record.timeMs;
    return true;
  }

  /** The same for an event that is no call. */
  addOther(event: OtherEvent): boolean {
    if (!this.#add(Buffer.from(otherLine(event)), nothing)) return false;
    if (event.kind === 'unreadable') this.#unreadable += 1;
    if (event.kind === 'opened') this.#opened.push(event.requestId);
    return true;
  }

  #add(head: Uint8Array, tail: Uint8Array): boolean {
    const end = this.#length + head.length + tail.length;
    const isFull = this.#count >= blockEventsMax || end > this.#memory.length - sealBytesMax;
    if (isFull && this.#count > 0) return false;
    if (isFull) this.#memory = Buffer.allocUnsafe(end + sealBytesMax);
    this.#memory.set(head, this.#length);
    this.#memory.set(tail, this.#length + head.length);
    this.#length = end;
    this.#count += 1;
    return true;
  }

  /** Closes the block, which holds something. Good until `clear()`. */
  seal(place: BlockPlace): SealedBlock {
    const { position, ...read } = place;
    const last = position + this.#count;
    const body = sealBody({ format: 2, first: position + 1, last, ...read });
    const covered = this.#length + this.#memory.write(body, this.#length);
    const digest = hash('sha256', this.#memory.subarray(0, covered), 'hex');
    const end = covered + this.#memory.write(sealHash(digest), covered, 'latin1');
    const { spool, end: spoolEnd } = read;
    const sealed = { bytes: this.#memory.subarray(0, end), position: last, hash: digest, spool, end: spoolEnd };
    const told = { timeMs: this.#timeMs, unreadable: this.#unreadable, opened: this.#opened };
    return { ...sealed, calls: this.#calls, ...told };
  }
}

/** A name of a file has at most 255 bytes, each of which JSON may write as six. */
const sealBytesMax = 2048;
/** More than most events have: a block with less room left is not tried with another. */
const usualBytesMax = 1280;
const nothing = new Uint8Array(0);

type Told = Omit<PlainReader, 'read' | 'next' | 'timeMs'>;

/** What a record may leave out. */
const unknown = {
  upstreamMs: -1,
  queueMs: -1,
  bytesIn: -1,
  bytesOut: -1,
  grpcStatus: -1,
  messagesIn: -1,
  messagesOut: -1,
  firstMs: -1,
} as const;

class Calls implements ChainedCalls {
  count = 0;
  readonly statuses = new Uint16Array(blockEventsMax);
  readonly totalsMs = new Float64Array(blockEventsMax);
  readonly upstreamsMs = new Float64Array(blockEventsMax);
  readonly queuesMs = new Float64Array(blockEventsMax);
  readonly bytesIn = new Float64Array(blockEventsMax);
  readonly bytesOut = new Float64Array(blockEventsMax);
  readonly grpcStatuses = new Int32Array(blockEventsMax);
  readonly messagesIn = new Float64Array(blockEventsMax);
  readonly messagesOut = new Float64Array(blockEventsMax);
  readonly firstsMs = new Float64Array(blockEventsMax);
  readonly cores: HeldCore[] = [];
  readonly #starts = new Uint32Array(blockEventsMax);
  readonly #ends = new Uint32Array(blockEventsMax);
  #memory: Buffer = Buffer.alloc(0);

  add(memory: Buffer, start: number, end: number, call: Told): void {
    const at = this.count;
    this.#memory = memory;
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.statuses[at] = call.status;
    this.totalsMs[at] = call.totalMs;
    this.upstreamsMs[at] = call.upstreamMs;
    this.queuesMs[at] = call.queueMs;
    this.bytesIn[at] = call.bytesIn;
    this.bytesOut[at] = call.bytesOut;
    this.grpcStatuses[at] = call.grpcStatus;
    this.messagesIn[at] = call.messagesIn;
    this.messagesOut[at] = call.messagesOut;
    this.firstsMs[at] = call.firstMs;
    this.cores[at] = call.core;
    this.count = at + 1;
  }

  line(call: number): Buffer {
    return this.#memory.subarray(this.#starts[call], (this.#ends[call] as number) - 1);
  }

  record(call: number): AuditRecord {
    const { kind, ...record } = JSON.parse(this.line(call).toString()) as AuditRecord & { kind: 'call' };
    return record;
  }
}
