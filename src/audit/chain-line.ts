import { hash } from 'node:crypto';
import { unreadableTextMax } from './bounds.ts';
import { coreText } from './spool-line.ts';
import type { ChainEvent, KeyAct, ParsedRecord } from './types.ts';

/** Hash before the first event. */
export const firstPrevious = '0'.repeat(64);

/** Where the next line of the chain goes, and what it was read from. */
export interface ChainPlace {
  readonly position: number;
  readonly previous: string;
  readonly spool: string;
  /** Offset just after the line in the spool file. */
  readonly end: number;
}

/** A line of the chain up to where its hash goes, in what it is put together from: `LineBuffer.add` closes it. */
export interface Body {
  readonly head: string;
  /** What follows `head`, as bytes that many lines share: copying them costs a thirtieth of encoding them again. */
  readonly shared: Uint8Array;
  readonly previous: string;
}

const nothing = new Uint8Array(0);

/** The line of one call. */
export function callBody(record: ParsedRecord, place: ChainPlace): Body {
  const { head, coreTail } = record;
  const made = head !== undefined && coreTail !== undefined;
  const text = `${start(place, 'call')},${made ? head : recordText(record)}`;
  return { head: text, shared: made ? coreTail : nothing, previous: place.previous };
}

/** The record's members in the order that the chain keeps: `core` last, and in it what differs from call to call first. */
function recordText(record: ParsedRecord): string {
  const { core, timing } = record;
  const text = record.coreText ?? coreText(core);
  const traceId = core.traceId === null ? 'null' : quote(core.traceId);
  const call = `"requestId":${quote(record.requestId)},"timeMs":${record.timeMs},"worker":${quote(record.worker)}`;
  const from = `"sequence":${record.sequence},"engine":${quote(record.engine)},"address":${quote(record.address)}`;
  const what = `"core":{"status":${core.status},"traceId":${traceId},${text.slice(1)}`;
  return `${call},${from},"timing":${JSON.stringify(timing)},${what}`;
}

/** A spool line that could not be read. */
export interface Unreadable {
  readonly text: string;
  /** Its length, which may be more than that of `text`. */
  readonly bytes: number;
  readonly fault: string;
  readonly timeMs: number;
}

/** The same for a spool line that could not be read. */
export function unreadableBody({ text, bytes, fault, timeMs }: Unreadable, place: ChainPlace): Body {
  const kept = text.length > unreadableTextMax ? `${text.slice(0, unreadableTextMax)}…` : text;
  const what = `"timeMs":${timeMs},"fault":${JSON.stringify(fault)},"text":${JSON.stringify(kept)},"bytes":${bytes}`;
  return { head: `${start(place, 'unreadable')},${what}`, shared: nothing, previous: place.previous };
}

/** The same for what was done with an API key. */
export function keyBody(done: KeyAct, place: ChainPlace): Body {
  const text = JSON.stringify(done).slice(1, -1);
  return { head: `${start(place, 'key')},${text}`, shared: nothing, previous: place.previous };
}

function start(place: ChainPlace, kind: ChainEvent['kind']): string {
  return `{"format":1,"position":${place.position},"kind":"${kind}","spool":${quote(place.spool)},"end":${place.end}`;
}

/**
 * Lines of the chain as bytes, one behind the other, in memory that is used again: encoding once and hashing these bytes
 * costs half of hashing and joining strings.
 */
export class LineBuffer {
  #memory: Buffer;
  #length = 0;

  constructor(size: number) {
    this.#memory = Buffer.allocUnsafe(size);
  }

  /** What was added since `clear()`; good until then. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Adds the line of a body, hash and newline and all, and returns the hash; undefined: it is full. A first line always fits. */
  add({ head, shared, previous }: Body): string | undefined {
    const room = head.length * 3 + shared.length + previousLength + tailLength + 1;
    if (this.#length + room > this.#memory.length) {
      if (this.#length > 0) return undefined;
      this.#memory = Buffer.allocUnsafe(room);
    }
    const from = this.#length;
    let end = from + this.#memory.write(head, from);
    this.#memory.set(shared, end);
    end += shared.length;
    end += this.#memory.write(`,"previous":"${previous}"}`, end, 'latin1');
    const digest = hash('sha256', this.#memory.subarray(from, end), 'hex');
    this.#length = end - 1 + this.#memory.write(`,"hash":"${digest}"}\n`, end - 1, 'latin1');
    return digest;
  }
}

const plain = /^[\w.:@/-]*$/;

/** JSON of a text; texts that engines make need no escaping nearly always. */
function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

const previousLength = ',"previous":""}'.length + 64;
const tailLength = ',"hash":""}'.length + 64;
const tailForm = /^,"hash":"([0-9a-f]{64})"\}$/;

/** What one line of a segment turned out to be. `text` is without its newline. */
export type ReadLine =
  | { readonly event: ChainEvent; readonly intact: boolean }
  | { readonly event: undefined; readonly fault: string };

/** Reads a line of the chain; `intact` says whether its own hash is right (`verify: false` leaves that out). */
export function readChainLine(text: string, verify = true): ReadLine {
  const tail = tailForm.exec(text.slice(-tailLength));
  if (tail === null) return { event: undefined, fault: 'does not end in a hash' };
  const event = parseEvent(text);
  if (event === undefined) return { event, fault: 'is not JSON of an audit event' };
  const intact = !verify || hash('sha256', `${text.slice(0, -tailLength)}}`, 'hex') === tail[1];
  return { event, intact };
}

const kinds: ReadonlySet<ChainEvent['kind']> = new Set(['call', 'unreadable', 'key']);

function parseEvent(text: string): ChainEvent | undefined {
  try {
    const event = JSON.parse(text) as ChainEvent;
    const known = event.format === 1 && kinds.has(event.kind);
    return known && Number.isSafeInteger(event.position) ? event : undefined;
  } catch {
    return undefined;
  }
}
