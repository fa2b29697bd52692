import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder on a disk that can be made to take nothing more. */
export interface SmallDisk {
  readonly kind: 'tmpfs' | 'file size limit';
  readonly folder: string;
  fill(pid: number): Promise<void>;
  empty(pid: number): Promise<void>;
  close(): Promise<void>;
}

/** A file system of its own where we may mount one; else the gateway's process gets a limit for the size of its files. */
export async function openSmallDisk(): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'hg-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', folder]).status === 0;
  return mounted ? smallFileSystem(folder) : limitedFiles(folder);
}

function smallFileSystem(folder: string): SmallDisk {
  const filler = join(folder, 'filler');
  return {
    kind: 'tmpfs',
    folder: join(folder, 'state'),
    fill: async () => fillWith(filler),
    empty: () => rm(filler, { force: true }),
    close: async () => {
      execFileSync('umount', ['-l', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes until there is no room for a byte. */
function fillWith(path: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    for (const size of [65_536, 4096, 1]) {
      const bytes = Buffer.alloc(size);
      try {
        while (writeSync(file, bytes) > 0);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Files of the process can't grow: Node ignores the signal, so that a write is an error as on a full disk. */
function limitedFiles(folder: string): SmallDisk {
  const limit = (pid: number, bytes: string): void => {
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  };
  return {
    kind: 'file size limit',
    folder,
    fill: async (pid) => limit(pid, '1'),
    empty: async (pid) => limit(pid, 'unlimited'),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
