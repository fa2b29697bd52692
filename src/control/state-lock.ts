import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ControlFault } from './fault.ts';

/** How long `isStateLocked` of another process may stand in the way. Milliseconds. */
const askedMsMax = 250;

/**
 * One Headgate a state folder: a second one would take the first one's sockets and spool. The lock is SQLite's own, which the
 * kernel gives up with the process, also after a kill -9. Throws `state-taken`. Returns what gives it up.
 */
export function lockState(folder: string): () => void {
  const path = join(folder, 'headgate.lock');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Whoever asks whether one runs here holds it for a moment.
  const database = new DatabaseSync(path, { timeout: askedMsMax });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    const hint = 'end it first, or give this one another `state` in its environment';
    throw new ControlFault('state-taken', `another Headgate runs on ${folder}`, { hint, cause });
  }
  return () => database.close();
}

/** Whether a Headgate runs on a state folder, in whatever container: a process id would be another there. */
export function isStateLocked(folder: string): boolean {
  const path = join(folder, 'headgate.lock');
  if (!existsSync(path)) return false;
  const database = new DatabaseSync(path);
  try {
    database.exec('BEGIN EXCLUSIVE; ROLLBACK');
    return false;
  } catch {
    return true;
  } finally {
    database.close();
  }
}
