import { hash } from 'node:crypto';
import { unreadableTextMax } from './bounds.ts';
import { coreText } from './spool-line.ts';
import type { ChainEvent, ParsedRecord } from './types.ts';

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

/** A line of the chain, newline and all, and its hash. */
export interface ChainLine {
  readonly line: string;
  readonly hash: string;
}

/** The chain's line of one call. */
export function callLine(record: ParsedRecord, place: ChainPlace): ChainLine {
  const { core, timing } = record;
  const text = record.coreText ?? coreText(core);
  const traceId = core.traceId === null ? 'null' : quote(core.traceId);
  const who = `"requestId":${quote(record.requestId)},"timeMs":${record.timeMs},"worker":${quote(record.worker)}`;
  const what = `"core":${text.slice(0, -1)},"status":${core.status},"traceId":${traceId}},"timing":${JSON.stringify(timing)}`;
  const from = `"sequence":${record.sequence},"engine":${quote(record.engine)},"address":${quote(record.address)}`;
  return seal(`${head(place, 'call')},${who},${from},${what}`, place);
}

/** The chain's line of a spool line that could not be read. */
export function unreadableLine(
  text: string,
  bytes: number,
  fault: string,
  timeMs: number,
  place: ChainPlace,
): ChainLine {
  const kept = text.length > unreadableTextMax ? `${text.slice(0, unreadableTextMax)}…` : text;
  const what = `"timeMs":${timeMs},"fault":${JSON.stringify(fault)},"text":${JSON.stringify(kept)},"bytes":${bytes}`;
  return seal(`${head(place, 'unreadable')},${what}`, place);
}

function head(place: ChainPlace, kind: ChainEvent['kind']): string {
  return `{"format":1,"position":${place.position},"kind":"${kind}","spool":${quote(place.spool)},"end":${place.end}`;
}

function seal(body: string, place: ChainPlace): ChainLine {
  const open = `${body},"previous":"${place.previous}"`;
  const digest = hash('sha256', `${open}}`, 'hex');
  return { line: `${open},"hash":"${digest}"}\n`, hash: digest };
}

const plain = /^[\w.:@/-]*$/;

/** JSON of a text; texts that engines make need no escaping nearly always. */
function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

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

function parseEvent(text: string): ChainEvent | undefined {
  try {
    const event = JSON.parse(text) as ChainEvent;
    const known = event.format === 1 && (event.kind === 'call' || event.kind === 'unreadable');
    return known && Number.isSafeInteger(event.position) ? event : undefined;
  } catch {
    return undefined;
  }
}
