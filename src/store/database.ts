import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreFault } from '../grants/index.ts';
import { migrations, storeVersion } from './migrations.ts';

/** How long a writer waits for another one. */
const writeWaitMs = 2000;
/** How long a reader waits: readers of a WAL wait for nobody but a recovery, and a gate must not stand still. */
const readWaitMs = 100;

/** The store of a state folder. */
export function storePath(state: string): string {
  return join(state, 'store', 'headgate.sqlite');
}

/** Opens the store for writing, and makes it, mode 0600, or brings it up to date. Throws `StoreFault`. */
export function openDatabase(path: string): DatabaseSync {
  return told(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its files beside this one the same mode.
    closeSync(openSync(path, 'a', 0o600));
    const database = new DatabaseSync(path, { timeout: writeWaitMs });
    try {
      // FULL: a revocation that was confirmed is not undone by a power loss.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      migrate(database, path);
      return database;
    } catch (cause) {
      database.close();
      throw cause;
    }
  });
}

/** Opens the store for reading. Throws `StoreFault`. */
export function openForReading(path: string): DatabaseSync {
  return told(path, () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: readWaitMs });
    try {
      checkVersion(database, path);
      return database;
    } catch (cause) {
      database.close();
      throw cause;
    }
  });
}

/** Which file is there now: another one, put in its place, has another identity. */
export function fileIdentity(path: string): string {
  return told(path, () => {
    const { dev, ino } = statSync(path);
    return `${dev} ${ino}`;
  });
}

function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === storeVersion) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Looked at again: another process may have done it meanwhile.
    const version = versionOf(database);
    if (version > storeVersion) throw newer(path, version);
    for (const script of migrations.slice(version)) database.exec(script);
    database.exec(`PRAGMA user_version = ${storeVersion}; COMMIT`);
  } catch (cause) {
    database.exec('ROLLBACK');
    throw cause;
  }
}

function checkVersion(database: DatabaseSync, path: string): void {
  const version = versionOf(database);
  if (version > storeVersion) throw newer(path, version);
  if (version < storeVersion) throw new StoreFault('store-busy', `the store ${path} is being brought up to date`);
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}

function newer(path: string, version: number): StoreFault {
  return new StoreFault(
    'store-newer',
    `the store ${path} is of version ${version}, this Headgate knows ${storeVersion}`,
    {
      hint: 'run the newer Headgate that made it so',
    },
  );
}

/** SQLite's result codes (https://sqlite.org/rescode.html): BUSY and LOCKED, whatever their extension. */
const busyCodes: ReadonlySet<number> = new Set([5, 6]);

/** Does it, and turns what SQLite or the file system throw into a `StoreFault`. */
export function told<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name === 'StoreFault' || cause.name === 'KeyRefusal') throw cause;
    throw faultOf(path, cause);
  }
}

function faultOf(path: string, cause: Error): StoreFault {
  const { code, errcode } = cause as Error & { readonly code?: unknown; readonly errcode?: unknown };
  if (code === 'ENOENT') return new StoreFault('store-missing', `there is no store ${path}`, { cause });
  if (typeof errcode === 'number' && busyCodes.has(errcode & 0xff)) {
    const hint = 'another process holds it; try again';
    return new StoreFault('store-busy', `the store ${path} is locked`, { hint, cause });
  }
  const hint = 'restore it from a backup, or move it away: then there are no keys';
  return new StoreFault('store-broken', `the store ${path} can't be used: ${cause.message}`, { hint, cause });
}
