import type { Batch } from './chain.ts';
import { type Body, type ChainPlace, callBody, keyBody, type LineBuffer, unreadableBody } from './chain-line.ts';
import type { ParsedRecord, SpoolReader } from './types.ts';

/** Lines for the chain, and what they were made from. */
export interface ChainedBatch extends Batch {
  readonly records: readonly ParsedRecord[];
  readonly unreadable: number;
}

/** Where a piece of spool stands, and where in the chain it goes. */
export interface Piece {
  readonly spool: string;
  /** Offset of the piece in its file. */
  readonly start: number;
  /** Position and hash of the last event of the chain. */
  readonly position: number;
  readonly hash: string;
  readonly nowMs: number;
  /** Cleared, then holds the batch. */
  readonly out: LineBuffer;
}

/** Chains whole lines of a spool file (bytes that end in a newline), as many of them as `out` has room for, at least one. */
export function chainLines(bytes: Buffer, parse: SpoolReader, piece: Piece): ChainedBatch {
  const { spool, start, nowMs, out } = piece;
  out.clear();
  const text = bytes.toString('utf8');
  const ascii = text.length === bytes.length;
  const records: ParsedRecord[] = [];
  let unreadable = 0;
  let { position, hash } = piece;
  let end = start;
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from);
    const line = text.slice(from, to);
    const next = ascii ? start + to + 1 : start + bytes.indexOf(10, end - start) + 1;
    const record = parseSafely(line, parse);
    const place: ChainPlace = { position: position + 1, previous: hash, spool, end: next };
    const body = bodyOf(record, line, next - end - 1, nowMs, place);
    const digest = out.add(body);
    if (digest === undefined) break;
    if (isRecord(record)) records.push(record);
    else if ('unreadable' in record) unreadable += 1;
    hash = digest;
    position += 1;
    end = next;
    from = to + 1;
  }
  return { bytes: out.bytes, position, hash, spool, end, records, unreadable };
}

function bodyOf(record: ReturnType<SpoolReader>, line: string, bytes: number, nowMs: number, place: ChainPlace): Body {
  if (isRecord(record)) return callBody(record, place);
  if ('key' in record) return keyBody(record.key, place);
  return unreadableBody({ text: line, bytes, fault: record.unreadable, timeMs: nowMs }, place);
}

function isRecord(read: ReturnType<SpoolReader>): read is ParsedRecord {
  return !('unreadable' in read || 'key' in read);
}

/** A parser that throws has met a line that it can't read, too: nothing may stop the chain. */
function parseSafely(line: string, parse: SpoolReader): ReturnType<SpoolReader> {
  try {
    const record = parse(line);
    if (!isRecord(record) || isWhole(record)) return record;
    return { unreadable: 'its time, sequence or status is no number' };
  } catch (error) {
    return { unreadable: `the parser failed: ${(error as Error).message}` };
  }
}

/** A parser's slip must not become a line of the chain that is no JSON. */
function isWhole(record: ParsedRecord): boolean {
  const { status } = record.brief ?? record.core;
  const counted = Number.isSafeInteger(record.sequence) && record.sequence > 0;
  return counted && Number.isFinite(record.timeMs) && Number.isSafeInteger(status);
}

/** Chains bytes that are no line: longer than any line may be, or left without an end by a writer that is gone. */
export function chainFragment(bytes: Buffer, fault: string, piece: Piece): ChainedBatch {
  const { spool, nowMs, out } = piece;
  out.clear();
  const end = piece.start + bytes.length;
  const position = piece.position + 1;
  const place = { position, previous: piece.hash, spool, end };
  const unreadable = { text: bytes.toString('utf8'), bytes: bytes.length, fault, timeMs: nowMs };
  const hash = out.add(unreadableBody(unreadable, place)) as string;
  return { bytes: out.bytes, position, hash, spool, end, records: [], unreadable: 1 };
}
