import type { DatabaseSync } from 'node:sqlite';
import {
  type Act,
  type ApiKey,
  type KeyChange,
  KeyRefusal,
  type KeyStore,
  type NewKey,
  stateOf,
} from '../grants/index.ts';
import { openDatabase, storePath, told } from './database.ts';
import { findSql } from './key-finder.ts';
import { apiKeyOf, changeOf, gatewayOf, type Row, storedKeyOf } from './rows.ts';

/** Changes that are read at once. */
const changesMax = 1000;

/** Opens the store of a state folder, and makes it where there is none. Every method throws `StoreFault`. */
export function openKeyStore(state: string): KeyStore {
  const path = storePath(state);
  const database = openDatabase(path);
  const tables = new Tables(database);
  const inside = <T>(work: () => T): T => told(path, () => transaction(database, work));
  return {
    find: (id) => told(path, () => tables.find(id)),
    list: () => told(path, () => tables.keys()),
    create: (key, act) => inside(() => create(tables, key, act)),
    rotate: (key, oldEndsMs, act) => inside(() => rotate(tables, { key, oldEndsMs }, act)),
    revoke: (ids, act) => inside(() => revoke(tables, ids, act)),
    changesAfter: (number) => told(path, () => tables.changesAfter(number)),
    lastChangeBefore: (timeMs) => told(path, () => tables.lastChangeBefore(timeMs)),
    unaudited: () => told(path, () => tables.unaudited()),
    noteAudited: (number) =>
      inside(() => {
        database.prepare('UPDATE changes SET audited = 1 WHERE audited = 0 AND number <= ?').run(number);
      }),
    version: () => told(path, () => Number(database.prepare('PRAGMA data_version').get()?.data_version)),
    gateways: () => told(path, () => database.prepare('SELECT * FROM gateways').all().map(gatewayOf)),
    join: (gateway) =>
      inside(() => {
        const { run, engine, environment, pid, confirmed, confirmedMs, processes } = gateway;
        database.exec('DELETE FROM gateways');
        database
          .prepare('INSERT INTO gateways VALUES (?, ?, ?, ?, ?, ?, ?)')
          .run(run, engine, environment, pid, confirmed, confirmedMs, processes.join('\n'));
      }),
    confirm: ({ run, confirmed, confirmedMs, processes }) =>
      inside(() => {
        const sql = 'UPDATE gateways SET confirmed = ?, confirmed_ms = ?, processes = ? WHERE run = ?';
        database.prepare(sql).run(confirmed, confirmedMs, processes.join('\n'), run);
      }),
    leave: (run) => inside(() => void database.prepare('DELETE FROM gateways WHERE run = ?').run(run)),
    close: () => database.close(),
  };
}

function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const done = work();
    database.exec('COMMIT');
    return done;
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw cause;
  }
}

/** The tables, row by row; what may be done to them is beside. */
class Tables {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  find(id: string) {
    const row = this.#database.prepare(findSql).get(id);
    return row === undefined ? undefined : storedKeyOf(row);
  }

  keys(): ApiKey[] {
    return this.#rows('SELECT * FROM keys ORDER BY name, created_ms DESC, id').map(apiKeyOf);
  }

  named(name: string): ApiKey[] {
    return this.#rows('SELECT * FROM keys WHERE name = ? ORDER BY created_ms', name).map(apiKeyOf);
  }

  changesAfter(number: number): KeyChange[] {
    return this.#rows('SELECT * FROM changes WHERE number > ? ORDER BY number LIMIT ?', number, changesMax).map(
      changeOf,
    );
  }

  unaudited(): KeyChange[] {
    return this.#rows('SELECT * FROM changes WHERE audited = 0 ORDER BY number LIMIT ?', changesMax).map(changeOf);
  }

  lastChangeBefore(timeMs: number): number {
    const [row] = this.#rows('SELECT coalesce(max(number), 0) AS last FROM changes WHERE at_ms < ?', timeMs);
    return Number(row?.last);
  }

  insert({ id, name, hash, endsMs }: NewKey, owner: string, nowMs: number): void {
    const sql = 'INSERT INTO keys (id, name, owner, hash, created_ms, ends_ms) VALUES (?, ?, ?, ?, ?, ?)';
    this.#database.prepare(sql).run(id, name, owner, hash, nowMs, endsMs);
  }

  setEnd(id: string, endsMs: number): void {
    this.#database.prepare('UPDATE keys SET ends_ms = ? WHERE id = ?').run(endsMs, id);
  }

  setRevoked(id: string, nowMs: number): void {
    this.#database.prepare('UPDATE keys SET revoked_ms = ? WHERE id = ?').run(nowMs, id);
  }

  note(kind: KeyChange['kind'], key: Pick<ApiKey, 'id' | 'name' | 'owner' | 'endsMs'>, { by, nowMs }: Act): KeyChange {
    const sql = `INSERT INTO changes (kind, key_id, name, owner, by_user, at_ms, ends_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *`;
    const row = this.#database.prepare(sql).get(kind, key.id, key.name, key.owner, by, nowMs, key.endsMs);
    return changeOf(row ?? {});
  }

  #rows(sql: string, ...values: (string | number)[]): Row[] {
    return this.#database.prepare(sql).all(...values);
  }
}

function validKeys(tables: Tables, name: string, nowMs: number): ApiKey[] {
  return tables.named(name).filter((key) => stateOf(key, nowMs) === 'valid');
}

function create(tables: Tables, key: NewKey & { readonly owner: string }, act: Act): KeyChange {
  if (validKeys(tables, key.name, act.nowMs).length > 0) {
    const hint = `\`headgate key rotate --name ${key.name}\` makes the next one`;
    throw new KeyRefusal('key-exists', `${key.name} has a key already`, hint);
  }
  tables.insert(key, key.owner, act.nowMs);
  return tables.note('created', key, act);
}

function rotate(
  tables: Tables,
  { key, oldEndsMs }: { readonly key: NewKey; readonly oldEndsMs: number },
  act: Act,
): KeyChange {
  const valid = validKeys(tables, key.name, act.nowMs);
  const [old] = valid;
  if (old === undefined) {
    const hint = `\`headgate key create --name ${key.name} --owner …\` makes one; \`headgate key list\` shows all`;
    throw new KeyRefusal('key-missing', `${key.name} has no valid key that could be rotated`, hint);
  }
  if (valid.length > 1) {
    const hint = `\`headgate key revoke ${old.id}\` ends the older one now`;
    throw new KeyRefusal('keys-overlap', `${key.name} has two valid keys already`, hint);
  }
  const endsMs = Math.min(old.endsMs, oldEndsMs);
  tables.setEnd(old.id, endsMs);
  tables.insert(key, old.owner, act.nowMs);
  return tables.note('rotated', { id: key.id, name: key.name, owner: old.owner, endsMs }, act);
}

function revoke(tables: Tables, ids: readonly string[], act: Act): KeyChange[] {
  return ids.flatMap((id) => {
    const key = tables.find(id);
    if (key === undefined || key.revokedMs !== undefined) return [];
    tables.setRevoked(id, act.nowMs);
    return [tables.note('revoked', { ...key, endsMs: act.nowMs }, act)];
  });
}
