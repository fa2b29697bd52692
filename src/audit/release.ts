import { execFile } from 'node:child_process';

/**
 * Gives the disk back the first bytes of a file that its writer still appends to, by a hole: offsets stay as they are, and
 * no writer has to reopen anything. By util-linux's `fallocate --punch-hole`, since Node has no call for it (Linux; ext4, xfs,
 * btrfs, tmpfs). Resolves to why it could not be done, if so.
 */
export function releaseStart(path: string, bytes: number): Promise<string | undefined> {
  const whole = bytes - (bytes % blockBytes);
  const options = ['--punch-hole', '--offset', '0', '--length', String(whole), path];
  return new Promise((resolve) => {
    execFile('fallocate', options, { timeout: 10_000 }, (error) => resolve(error?.message.trim()));
  });
}

const blockBytes = 4096;
