import type { Block, SealedBlock } from './block.ts';
import type { OpenedCall, ParsedRecord, SpoolReader } from './types.ts';

/** Where a piece of spool stands, and where in the chain it goes. */
export interface Piece {
  readonly spool: string;
  /** Offset of the piece in its file. */
  readonly start: number;
  /** Position and hash of the end of the chain. */
  readonly position: number;
  readonly hash: string;
  readonly nowMs: number;
  /** Cleared, then holds the block. */
  readonly block: Block;
}

/** Makes a block of whole lines of a spool file (bytes that end in a newline): as many as it has room for, at least one. */
export function chainLines(lines: Buffer, parse: SpoolReader, piece: Piece): SealedBlock {
  const { block } = piece;
  const { plain } = parse;
  block.clear();
  let from = 0;
  while (from < lines.length && !block.isFull) {
    if (plain !== undefined && block.addPlain(plain, lines, from)) {
      from = plain.next;
      continue;
    }
    const to = lines.indexOf(lineFeed, from);
    if (!addText(lines.toString('utf8', from, to), to - from, parse, piece)) break;
    from = to + 1;
  }
  return sealed(piece, piece.start + from);
}

const lineFeed = 10;

/** The careful way, for any line. False: the block is full. */
function addText(line: string, bytes: number, parse: SpoolReader, { block, spool, nowMs }: Piece): boolean {
  const record = parseSafely(line, parse);
  if (isRecord(record)) return block.addCall(record);
  if ('opened' in record) return block.addOther({ kind: 'opened', ...record.opened });
  if ('unrecorded' in record) return block.addOther({ kind: 'unrecorded', spool, ...record.unrecorded });
  if ('key' in record) return block.addOther({ kind: 'key', spool, ...record.key });
  return block.addOther({ kind: 'unreadable', timeMs: nowMs, spool, fault: record.unreadable, text: line, bytes });
}

function sealed({ block, position, hash, spool, start, nowMs }: Piece, end: number): SealedBlock {
  return block.seal({ position, previous: hash, spool, from: start, end, timeMs: nowMs });
}

/** A parser that throws has met a line that it can't read, too: nothing may stop the chain. */
function parseSafely(line: string, parse: SpoolReader): ReturnType<SpoolReader> {
  try {
    const record = parse(line);
    if ('opened' in record) return isOpened(record.opened) ? record : { unreadable: 'its time is no number' };
    if (!isRecord(record) || isWhole(record)) return record;
    return { unreadable: 'its time, sequence or status is no number' };
  } catch (error) {
    return { unreadable: `the parser failed: ${(error as Error).message}` };
  }
}

function isRecord(read: ReturnType<SpoolReader>): read is ParsedRecord {
  return 'core' in read;
}

/** A parser's slip must not become a line of the chain that is no JSON. */
function isWhole({ sequence, timeMs, core }: ParsedRecord): boolean {
  const counted = Number.isSafeInteger(sequence) && sequence > 0;
  return counted && Number.isFinite(timeMs) && Number.isSafeInteger(core.status);
}

function isOpened({ timeMs }: OpenedCall): boolean {
  return Number.isSafeInteger(timeMs) && timeMs > 0;
}

/** Makes a block of bytes that are no line: longer than any may be, or left without an end by a writer that is gone. */
export function chainFragment(bytes: Buffer, fault: string, piece: Piece): SealedBlock {
  const { block, spool, nowMs, start } = piece;
  block.clear();
  const text = bytes.toString('utf8');
  block.addOther({ kind: 'unreadable', timeMs: nowMs, spool, fault, text, bytes: bytes.length });
  return sealed(piece, start + bytes.length);
}
