import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Predecessor } from './process.ts';

const name = 'processes.json';

/** Writes down which processes live, so that a later life of Headgate can take over from them. */
export function writeProcesses(directory: string, processes: readonly Predecessor[]): void {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, `${JSON.stringify(processes)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Processes of an earlier life that still run: HAProxy goes on with kept decisions while its gate is down. */
export function readPredecessors(directory: string): Predecessor[] {
  const path = join(directory, name);
  if (!existsSync(path)) return [];
  try {
    const listed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(listed) ? listed.filter(isPredecessor).filter((each) => isOurs(each, directory)) : [];
  } catch {
    return [];
  }
}

function isPredecessor(value: unknown): value is Predecessor {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'pid' in value && typeof value.pid === 'number' && 'adminSocket' in value && typeof value.adminSocket === 'string'
  );
}

/** A pid may have gone to somebody else: its command line has to name our folder. */
function isOurs({ pid }: Predecessor, directory: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
  } catch {
    return false;
  }
}
