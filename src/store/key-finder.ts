import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { KeyFinder, StoredKey } from '../grants/index.ts';
import { fileIdentity, openForReading, storePath, told } from './database.ts';
import { storedKeyOf } from './rows.ts';

export const findSql = 'SELECT id, name, owner, hash, created_ms, ends_ms, revoked_ms FROM keys WHERE id = ?';

export interface OpenKeyFinder extends KeyFinder {
  close(): void;
}

interface Opened {
  readonly database: DatabaseSync;
  readonly statement: StatementSync;
  /** Of the file that was opened. */
  readonly identity: string;
}

/**
 * Looks keys up in the store of a state folder, with a handle of its own that only reads. Opened with the first look-up, and anew
 * where it failed or another file has taken the store's place; every look-up reads what was committed before it.
 */
export function openKeyFinder(state: string): OpenKeyFinder {
  const path = storePath(state);
  let opened: Opened | undefined;
  const close = (): void => {
    opened?.database.close();
    opened = undefined;
  };
  const current = (): Opened => {
    const identity = fileIdentity(path);
    if (opened?.identity === identity) return opened;
    close();
    const database = openForReading(path);
    opened = { database, statement: database.prepare(findSql), identity };
    return opened;
  };
  return {
    find(id): StoredKey | undefined {
      return told(path, () => {
        try {
          const row = current().statement.get(id);
          return row === undefined ? undefined : storedKeyOf(row);
        } catch (cause) {
          close();
          throw cause;
        }
      });
    },
    close,
  };
}
