import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { chunkBytesMax, unsealedBytesMax } from './bounds.ts';
import { isSeal, readSeal } from './chain-line.ts';
import type { Seal } from './types.ts';

/** A block as it stands in a segment. */
export interface StoredBlock {
  /** Its event lines. */
  readonly lines: readonly string[];
  /** Its lines and, where one stands there, its seal's. */
  readonly lineCount: number;
  /**
   * `sealed`: a seal closes it. `spoilt`: a line closes it that begins like a seal and can't be read, or there is none for far too
   * long. `open`: the file ends before a seal, as it does where a write was cut off or is under way.
   */
  readonly state: 'sealed' | 'spoilt' | 'open';
  readonly seal?: Seal;
  readonly hash?: string;
  /** The hash is that of its bytes. */
  readonly intact: boolean;
  /** Bytes from the start of the segment at which it begins, and ends. */
  readonly start: number;
  readonly end: number;
}

/** Blocks of an open segment, from `offset` on, where one begins. */
export function* blocksOf(fd: number, offset: number): Generator<StoredBlock> {
  let [start, end] = [offset, offset];
  let lines: string[] = [];
  let digest = createHash('sha256');
  for (const { bytes, whole } of linesOf(fd, offset)) {
    end += bytes.length;
    const line = bytes.toString('utf8', 0, bytes.length - (whole ? 1 : 0));
    const closes = whole && isSeal(line);
    if (!closes) {
      lines.push(line);
      digest.update(bytes);
      if (!whole || end - start < unsealedBytesMax) continue;
    }
    const read = closes ? readSeal(line) : undefined;
    const place = { lines, lineCount: lines.length + (closes ? 1 : 0), start, end };
    if (read === undefined) yield { ...place, state: whole ? 'spoilt' : 'open', intact: false };
    else {
      const { seal, hash, covered } = read;
      const intact = digest.update(line.slice(0, covered)).digest('hex') === hash;
      yield { ...place, state: 'sealed', seal, hash, intact };
    }
    [start, lines, digest] = [end, [], createHash('sha256')];
  }
  if (end > start) yield { lines, lineCount: lines.length, start, end, state: 'open', intact: false };
}

interface FileLine {
  /** With its newline, where it has one. Good until the next line is asked for. */
  readonly bytes: Buffer;
  readonly whole: boolean;
}

/** Lines of an open file from `offset` to its end; the last one may not be whole. */
function* linesOf(fd: number, offset: number): Generator<FileLine> {
  const chunk = Buffer.allocUnsafe(chunkBytesMax);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = offset; ; ) {
    const count = readSync(fd, chunk, 0, chunk.length, at);
    if (count === 0) break;
    at += count;
    const bytes = rest.length === 0 ? chunk.subarray(0, count) : Buffer.concat([rest, chunk.subarray(0, count)]);
    let from = 0;
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      yield { bytes: bytes.subarray(from, to + 1), whole: true };
      from = to + 1;
    }
    rest = Buffer.from(bytes.subarray(from));
  }
  if (rest.length > 0) yield { bytes: rest, whole: false };
}
