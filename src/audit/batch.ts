import type { Batch } from './chain.ts';
import { type ChainPlace, callLine, unreadableLine } from './chain-line.ts';
import type { ParsedRecord, SpoolParser } from './types.ts';

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
}

/** Chains whole lines of a spool file: bytes that end in a newline. */
export function chainLines(bytes: Buffer, parse: SpoolParser, piece: Piece): ChainedBatch {
  const text = bytes.toString('utf8');
  const ascii = text.length === bytes.length;
  const records: ParsedRecord[] = [];
  const out: string[] = [];
  let { position, hash, start: end } = piece;
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from);
    const line = text.slice(from, to);
    from = to + 1;
    const length = ascii ? line.length : Buffer.byteLength(line);
    end = ascii ? end + length + 1 : piece.start + bytes.indexOf(10, end - piece.start) + 1;
    position += 1;
    const place = { position, previous: hash, spool: piece.spool, end };
    const chained = chainOne(line, length, parse, place, piece.nowMs, records);
    hash = chained.hash;
    out.push(chained.line);
  }
  return {
    text: out.join(''),
    position,
    hash,
    spool: piece.spool,
    end,
    records,
    unreadable: out.length - records.length,
  };
}

function chainOne(
  line: string,
  length: number,
  parse: SpoolParser,
  place: ChainPlace,
  nowMs: number,
  records: ParsedRecord[],
): { line: string; hash: string } {
  const record = parseSafely(line, parse);
  if ('unreadable' in record) return unreadableLine(line, length, record.unreadable, nowMs, place);
  records.push(record);
  return callLine(record, place);
}

/** A parser that throws has met a line that it can't read, too: nothing may stop the chain. */
function parseSafely(line: string, parse: SpoolParser): ReturnType<SpoolParser> {
  try {
    return parse(line);
  } catch (error) {
    return { unreadable: `the parser failed: ${(error as Error).message}` };
  }
}

/** Chains bytes that are no line: longer than any line may be, or left without an end by a writer that is gone. */
export function chainFragment(bytes: Buffer, fault: string, piece: Piece): ChainedBatch {
  const end = piece.start + bytes.length;
  const place = { position: piece.position + 1, previous: piece.hash, spool: piece.spool, end };
  const { line, hash } = unreadableLine(bytes.toString('utf8'), bytes.length, fault, piece.nowMs, place);
  return { text: line, position: place.position, hash, spool: piece.spool, end, records: [], unreadable: 1 };
}
