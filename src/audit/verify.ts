import { closeSync, openSync } from 'node:fs';
import { blocksOf } from './blocks.ts';
import { type AuditVerdict, ChainCheck } from './chain-check.ts';
import { type Checkpoint, checkpointName, readCheckpoint } from './checkpoint.ts';
import { listSegments, type Segment } from './segments.ts';

/**
 * Checks a whole audit directory: each block's hash, the chain, positions over all segments, workers' sequences, and the end
 * against the checkpoint. Throws only where the directory can't be read. What it can't see: a chain that someone who may
 * write here made anew, checkpoint and all (compare `lastHash` with one kept elsewhere); a tail cut off before the last
 * checkpoint was written back to fit; records lost after the last line of their worker.
 */
export async function verifyAudit(directory: string): Promise<AuditVerdict> {
  const check = new ChainCheck();
  const checkpoint = checkpointOf(directory, check);
  const segments = listSegments(directory);
  check.begin(segments[0], checkpoint);
  for (const segment of segments) await checkSegment(segment, segment === segments.at(-1), check);
  check.end(segments.length);
  return check.verdict(segments.length);
}

function checkpointOf(directory: string, check: ChainCheck): Checkpoint | undefined {
  try {
    return readCheckpoint(directory);
  } catch (error) {
    check.find('checkpoint-unreadable', { file: checkpointName, message: (error as Error).message });
    return undefined;
  }
}

async function checkSegment(segment: Segment, isLastSegment: boolean, check: ChainCheck): Promise<void> {
  const fd = openSync(segment.path, 'r');
  try {
    let line = 1;
    for (const block of blocksOf(fd, 0)) {
      const named = line === 1 ? { named: segment.first } : {};
      check.block({ ...block, file: segment.name, line, ...named, isLastSegment });
      line += block.lineCount;
      // A block is some hundred events: other work gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(fd);
  }
}
