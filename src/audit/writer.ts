import { mkdirSync } from 'node:fs';
import type { Clock } from '../std/clock.ts';
import { fsyncIntervalMs, idleMs, pollMs, releaseBytesMin, segmentBytesMax, spoolBytesMax } from './bounds.ts';
import { openChain } from './chain.ts';
import { Follower, type FollowerParts } from './follower.ts';
import { lockDirectory } from './lock.ts';
import { recoverChain } from './recover.ts';
import { openSpoolFiles } from './spool-files.ts';
import type { AuditStatus, ParsedRecord, SpoolReader } from './types.ts';

export interface AuditWriterOptions {
  /** Where engines append: files `<engine>-<worker>-<n>.spool`. Made if it isn't there. */
  readonly spoolDirectory: string;
  /** Where the chain is kept. Made if it isn't there. */
  readonly directory: string;
  /** Reads the lines of every spool file whose engine `parsers` doesn't name. */
  readonly parse: SpoolReader;
  /** By engine, for a spool in which another engine has left lines. */
  readonly parsers?: Readonly<Record<string, SpoolReader>>;
  /** Gets each record once it is in the chain. */
  readonly onRecord?: (record: ParsedRecord) => void;
  /** Gets the status whenever `state` changes: with `record: required`, `failing` closes admission. */
  readonly onStatus?: (status: AuditStatus) => void;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Overrides of `bounds.ts`. */
  readonly bounds?: Partial<WriterBounds>;
}

export interface WriterBounds {
  readonly pollMs: number;
  readonly fsyncIntervalMs: number;
  readonly segmentBytesMax: number;
  readonly spoolBytesMax: number;
  readonly idleMs: number;
  readonly releaseBytesMin: number;
}

export interface AuditWriter {
  status(): AuditStatus;
  /** Chains what is in the spool now, and syncs it. Rejects with the disk's error. */
  flush(): Promise<void>;
  /** Flushes, closes, gives up the lock. Engines stop before it. Never rejects: what is left stays in the spool. */
  stop(): Promise<void>;
}

const defaults: WriterBounds = { pollMs, fsyncIntervalMs, segmentBytesMax, spoolBytesMax, idleMs, releaseBytesMin };

/**
 * Follows the spool and chains it. Exactly once, also over a kill -9: an event and the spool offset it was read up to are one
 * line of the chain, so that they can't part. A full disk loses nothing: the offset moves only when the write has returned.
 * Throws `audit-locked` where another writer runs.
 */
export async function startAuditWriter(options: AuditWriterOptions): Promise<AuditWriter> {
  const { directory, spoolDirectory, log, clock } = options;
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  mkdirSync(spoolDirectory, { recursive: true, mode: 0o750 });
  const unlock = lockBoth(directory, spoolDirectory);
  try {
    const bounds = { ...defaults, ...options.bounds };
    const state = recoverChain(directory, log);
    const spool = openSpoolFiles(spoolDirectory, state.spool);
    const chain = openChain({ directory, state, clock, segmentBytesMax: bounds.segmentBytesMax });
    return run({ options, bounds, spool, chain, unlock });
  } catch (error) {
    unlock();
    throw error;
  }
}

/** One writer for each chain, and one for each spool: two would each take a part of it. */
function lockBoth(directory: string, spoolDirectory: string): () => void {
  const unlockChain = lockDirectory(directory);
  try {
    const unlockSpool = lockDirectory(spoolDirectory);
    return () => {
      unlockSpool();
      unlockChain();
    };
  } catch (error) {
    unlockChain();
    throw error;
  }
}

interface Parts extends FollowerParts {
  readonly unlock: () => void;
}

function run(parts: Parts): AuditWriter {
  const follower = new Follower(parts);
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** Rounds never overlap: each waits for the one before it. */
  const round = (thorough: boolean): Promise<boolean> => {
    const ended = last.then(() => follower.round(thorough));
    last = ended;
    return ended;
  };
  const follow = async (): Promise<void> => {
    const more = await round(false);
    if (!stopping) timer = setTimeout(follow, more ? 0 : parts.bounds.pollMs);
  };
  const flush = async (): Promise<void> => {
    for (let more = true; more; ) more = await round(true);
    const { state, reason } = follower.status();
    if (state === 'failing') throw new Error(reason);
  };
  void follow();
  return {
    status: () => follower.status(),
    flush,
    async stop() {
      if (stopping) return;
      stopping = true;
      clearTimeout(timer);
      await flush().catch(() => undefined);
      parts.chain.close();
      parts.spool.close();
      parts.unlock();
    },
  };
}
