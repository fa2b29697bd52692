import { closeSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs';
import { chunkBytesMax } from './bounds.ts';
import { firstPrevious, readChainLine } from './chain-line.ts';
import { readCheckpoint } from './checkpoint.ts';
import { listSegments, type Segment } from './segments.ts';

/** Where the chain goes on. */
export interface ChainState {
  position: number;
  hash: string;
  /** Segment to append to; undefined: begin one. */
  segment: Segment | undefined;
  /** Its length. */
  bytes: number;
  /** Spool file name → offset up to which it is chained. */
  readonly spool: Map<string, number>;
}

/**
 * Finds the end of the chain: from the checkpoint on, every line is read, since each says which spool bytes it took up.
 * A torn last line is cut off (its spool line is still there and is chained again). Where the chain is shorter than its
 * checkpoint, it goes on from the checkpoint: the gap stays for `verify` to see.
 */
export function recoverChain(directory: string, log: (line: string) => void): ChainState {
  const segments = listSegments(directory);
  const state = fromCheckpoint(directory, log);
  const start = segments.findIndex((segment) => segment.name === state.segment?.name);
  const from = Math.max(start, 0);
  if (start < 0) state.segment = undefined;
  for (const [index, segment] of segments.entries()) {
    if (index < from) continue;
    const offset = index === start ? state.bytes : 0;
    scan(segment, offset, index === segments.length - 1, state, log);
  }
  return state;
}

function fromCheckpoint(directory: string, log: (line: string) => void): ChainState {
  const none: ChainState = { position: 0, hash: firstPrevious, segment: undefined, bytes: 0, spool: new Map() };
  try {
    const known = readCheckpoint(directory);
    if (known === undefined) return none;
    const segment = listSegments(directory).find(({ name }) => name === known.segment);
    const short = segment === undefined ? known.position > 0 : statSync(segment.path).size < known.bytes;
    if (short) log(`audit: the chain is shorter than its checkpoint (position ${known.position}): events were removed`);
    const { position, hash } = known;
    const spool = new Map(Object.entries(known.spool));
    return { position, hash, segment: short ? undefined : segment, bytes: known.bytes, spool };
  } catch (error) {
    log(`audit: the checkpoint can't be read, the whole chain is: ${(error as Error).message}`);
    return none;
  }
}

/** Takes up what a segment holds from `offset` on; `last`: may be repaired and appended to. */
function scan(segment: Segment, offset: number, last: boolean, state: ChainState, log: (line: string) => void): void {
  const fd = openSync(segment.path, 'r+');
  try {
    let end = offset;
    for (const line of linesOf(fd, offset)) {
      end += line.bytes;
      if (line.whole) takeUp(line.text, segment, state, log);
      else if (last) repair(fd, end - line.bytes, line.bytes, segment, log);
      if (!line.whole) end -= line.bytes;
    }
    if (last) Object.assign(state, { segment, bytes: end });
  } finally {
    closeSync(fd);
  }
}

function repair(fd: number, end: number, torn: number, segment: Segment, log: (line: string) => void): void {
  ftruncateSync(fd, end);
  log(
    `audit: repaired ${segment.name}: a torn last line of ${torn} bytes cut off; its call is chained again from the spool`,
  );
}

function takeUp(text: string, segment: Segment, state: ChainState, log: (line: string) => void): void {
  const read = readChainLine(text, false);
  if (read.event === undefined) {
    log(`audit: a line of ${segment.name} ${read.fault}; left as it is`);
    return;
  }
  const { position, hash, spool, end } = read.event;
  if (position > state.position) Object.assign(state, { position, hash });
  state.spool.set(spool, Math.max(end, state.spool.get(spool) ?? 0));
}

interface FileLine {
  readonly text: string;
  /** With its newline, where it has one. */
  readonly bytes: number;
  readonly whole: boolean;
}

/** Lines of an open file from `offset` to its end; the last one may not be whole. */
export function* linesOf(fd: number, offset: number): Generator<FileLine> {
  const chunk = Buffer.allocUnsafe(chunkBytesMax);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = offset; ; ) {
    const count = readSync(fd, chunk, 0, chunk.length, at);
    if (count === 0) break;
    at += count;
    const bytes = rest.length === 0 ? chunk.subarray(0, count) : Buffer.concat([rest, chunk.subarray(0, count)]);
    let from = 0;
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      yield { text: bytes.toString('utf8', from, to), bytes: to + 1 - from, whole: true };
      from = to + 1;
    }
    rest = Buffer.from(bytes.subarray(from));
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), bytes: rest.length, whole: false };
}
