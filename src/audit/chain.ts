import { closeSync, fsync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../std/clock.ts';
import { segmentBytesMax } from './bounds.ts';
import { type Checkpoint, writeCheckpoint } from './checkpoint.ts';
import type { ChainState } from './recover.ts';
import { segmentName, utcDay } from './segments.ts';

const fsyncFile = promisify(fsync);

/** A block with its seal: appended together, read from one spool file. */
export interface Batch {
  readonly bytes: Buffer;
  /** Of its last event. */
  readonly position: number;
  /** Of the block. */
  readonly hash: string;
  readonly spool: string;
  /** Offset in the spool file behind what the block holds. */
  readonly end: number;
}

/** The end of the chain, open for appending. */
export interface Chain {
  readonly state: Readonly<ChainState>;
  /** Appends the whole batch or nothing. Throws the disk's error; the same batch may then be appended again. */
  append(batch: Batch): void;
  /** Syncs what is appended, then writes the checkpoint. Returns that checkpoint. One at a time. */
  sync(): Promise<Checkpoint>;
  /** Drops a spool file that is deleted from what the next checkpoint lists. */
  forget(spool: string): void;
  close(): void;
}

export interface ChainOptions {
  readonly directory: string;
  readonly state: ChainState;
  readonly clock: Clock;
  readonly segmentBytesMax?: number;
}

/** Opens the chain where `recoverChain` found its end. */
export function openChain(options: ChainOptions): Chain {
  const { directory, state, clock } = options;
  const bytesMax = options.segmentBytesMax ?? segmentBytesMax;
  let fd = state.segment && openSync(state.segment.path, 'a', 0o640);
  /** Segments that are full but not synced yet. */
  const full: number[] = [];
  let directoryChanged = false;
  /** Bytes of a failed append may stand behind the end. */
  let torn = false;

  const beginSegment = (day: string): number => {
    const name = segmentName(day, state.position + 1);
    const next = openSync(join(directory, name), 'a', 0o640);
    if (fd !== undefined) full.push(fd);
    const segment = { name, path: join(directory, name), day, first: state.position + 1 };
    Object.assign(state, { segment, bytes: 0 });
    directoryChanged = true;
    fd = next;
    return next;
  };

  /** The segment to append to. A clock that runs backwards begins no new one. */
  const current = (): number => {
    const day = utcDay(clock.now());
    const { segment } = state;
    if (fd === undefined || segment === undefined) return beginSegment(day);
    if (state.bytes === 0 || (state.bytes < bytesMax && day <= segment.day)) return fd;
    return beginSegment(later(day, segment.day));
  };

  return {
    state,
    append(batch) {
      if (torn && fd !== undefined) ftruncateSync(fd, state.bytes);
      const to = current();
      torn = true;
      const { bytes } = batch;
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(to, bytes, at);
      } catch (error) {
        ftruncateSync(to, state.bytes);
        throw error;
      }
      torn = false;
      state.bytes += bytes.length;
      state.position = batch.position;
      state.hash = batch.hash;
      state.spool.set(batch.spool, batch.end);
    },
    async sync() {
      const { position, hash, segment, bytes, spool } = state;
      const name = segment?.name ?? '';
      const checkpoint: Checkpoint = {
        format: 2,
        position,
        hash,
        segment: name,
        bytes,
        spool: Object.fromEntries(spool),
      };
      const done = full.length;
      for (const open of full) await fsyncFile(open);
      if (fd !== undefined) await fsyncFile(fd);
      if (directoryChanged) await syncDirectory(directory);
      directoryChanged = false;
      await writeCheckpoint(directory, checkpoint);
      for (const open of full.splice(0, done)) closeSync(open);
      return checkpoint;
    },
    forget(spool) {
      state.spool.delete(spool);
    },
    close() {
      for (const open of fd === undefined ? full : [...full, fd]) closeSync(open);
      full.length = 0;
      fd = undefined;
    },
  };
}

/** Days as texts sort as days. */
function later(a: string, b: string): string {
  return [a, b].sort().at(-1) as string;
}

/** A new name in a directory is certain only when the directory is synced. */
async function syncDirectory(directory: string): Promise<void> {
  const file = await openFile(directory, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
