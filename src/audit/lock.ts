import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * One writer per directory. The lock is SQLite's own on `writer.lock`: the kernel gives it up with the process, also
 * after a kill -9, so there is no stale lock to judge. Throws `audit-locked` where another writer holds it.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, 'writer.lock');
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new Error(`audit-locked: another writer holds ${path}`, { cause: error });
  }
  return () => database.close();
}
