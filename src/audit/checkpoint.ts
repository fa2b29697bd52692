import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What is certainly on the disk: written after the segment was synced, never before. It says where the chain's end must at
 * least be (so a tail cut off is seen) and up to where each spool file is chained (so that a start reads only what follows).
 */
export interface Checkpoint {
  readonly format: 2;
  /** Last position, which ends a block, and that block's hash. 0 and 64 zeros for none. */
  readonly position: number;
  readonly hash: string;
  /** Segment of that position and its length in bytes just after it; '' for none. */
  readonly segment: string;
  readonly bytes: number;
  /** Spool file name → offset up to which it is chained. */
  readonly spool: Readonly<Record<string, number>>;
}

export const checkpointName = 'checkpoint.json';

/** The checkpoint of an audit directory; undefined where there is none. Throws where it is there and can't be read. */
export function readCheckpoint(directory: string): Checkpoint | undefined {
  let text: string;
  try {
    text = readFileSync(join(directory, checkpointName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const value = JSON.parse(text) as Checkpoint;
  if (value?.format !== 2 || !Number.isSafeInteger(value.position))
    throw new Error(`${checkpointName} is of no known format`);
  return value;
}

/** Replaces the checkpoint in one step, synced: a crash leaves the old one or the new one. Rejects with the disk's error. */
export async function writeCheckpoint(directory: string, checkpoint: Checkpoint): Promise<void> {
  const path = join(directory, checkpointName);
  const file = await open(`${path}.new`, 'w', 0o640);
  try {
    await file.writeFile(`${JSON.stringify(checkpoint)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
