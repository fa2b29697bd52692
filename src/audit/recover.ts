import { closeSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { blocksOf, type StoredBlock } from './blocks.ts';
import { firstPrevious } from './chain-line.ts';
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
 * Finds the end of the chain: from the checkpoint on, every block is read, since its seal says which spool bytes it took up.
 * What follows the last whole block is cut off (the spool still holds it, and it is chained again). Where the chain is shorter than
 * its checkpoint, it goes on from the checkpoint: the gap stays for `verify` to see. Throws `audit-format` where an earlier version
 * wrote the chain.
 */
export function recoverChain(directory: string, log: (line: string) => void): ChainState {
  const segments = listSegments(directory);
  const { state, isKnown } = fromCheckpoint(directory, log);
  const start = segments.findIndex((segment) => segment.name === state.segment?.name);
  const from = Math.max(start, 0);
  if (start < 0) state.segment = undefined;
  for (const [index, segment] of segments.entries()) {
    if (index < from) continue;
    const offset = index === start ? state.bytes : 0;
    scan(segment, { offset, isLast: index === segments.length - 1, isKnown, state, log });
  }
  return state;
}

/** `isKnown`: there is a checkpoint, so that all behind it is still in the spool. */
function fromCheckpoint(directory: string, log: (line: string) => void): { state: ChainState; isKnown: boolean } {
  const none: ChainState = { position: 0, hash: firstPrevious, segment: undefined, bytes: 0, spool: new Map() };
  try {
    const known = readCheckpoint(directory);
    if (known === undefined) return { state: none, isKnown: false };
    const segment = listSegments(directory).find(({ name }) => name === known.segment);
    const short = segment === undefined ? known.position > 0 : statSync(segment.path).size < known.bytes;
    if (short) log(`audit: the chain is shorter than its checkpoint (position ${known.position}): events were removed`);
    const { position, hash } = known;
    const spool = new Map(Object.entries(known.spool));
    return {
      state: { position, hash, segment: short ? undefined : segment, bytes: known.bytes, spool },
      isKnown: true,
    };
  } catch (error) {
    log(`audit: the checkpoint can't be read, the whole chain is: ${(error as Error).message}`);
    return { state: none, isKnown: false };
  }
}

interface Scan {
  readonly offset: number;
  /** May be repaired and appended to. */
  readonly isLast: boolean;
  readonly isKnown: boolean;
  readonly state: ChainState;
  readonly log: (line: string) => void;
}

/** Takes up what a segment holds from `offset` on. */
function scan(segment: Segment, { offset, isLast, isKnown, state, log }: Scan): void {
  const fd = openSync(segment.path, 'r+');
  try {
    let end = offset;
    let size = offset;
    let doubtful: StoredBlock[] = [];
    for (const block of blocksOf(fd, offset)) {
      if (block.lines[0]?.startsWith(earlierFormat)) throw new Error(`audit-format: ${segment.path} ${earlierRemedy}`);
      size = block.end;
      doubtful.push(block);
      // Without a checkpoint the spool may no longer hold what a spoilt block held: it stays, and `verify` tells.
      if (!block.intact && (isKnown || block.state !== 'sealed')) continue;
      for (const each of doubtful) takeUp(each, segment, state, log);
      doubtful = [];
      end = block.end;
    }
    if (!isLast) for (const each of doubtful) takeUp(each, segment, state, log);
    else if (size > end) cutOff(fd, end, size, segment, log);
    if (isLast) Object.assign(state, { segment, bytes: end });
  } finally {
    closeSync(fd);
  }
}

const earlierFormat = '{"format":1,';
const earlierRemedy = 'was written by an earlier version, which hashed each line: move it away to begin a new chain';

function cutOff(fd: number, end: number, size: number, segment: Segment, log: (line: string) => void): void {
  ftruncateSync(fd, end);
  log(
    `audit: repaired ${segment.name}: ${size - end} bytes without a whole seal cut off; their calls are chained again from the spool`,
  );
}

function takeUp(block: StoredBlock, segment: Segment, state: ChainState, log: (line: string) => void): void {
  if (!block.intact) log(`audit: ${segment.name} is damaged at bytes ${block.start} to ${block.end}; left as it is`);
  const { seal, hash } = block;
  if (seal === undefined || hash === undefined) return;
  if (seal.last > state.position) Object.assign(state, { position: seal.last, hash });
  state.spool.set(seal.spool, Math.max(seal.end, state.spool.get(seal.spool) ?? 0));
}
