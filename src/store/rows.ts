import type { ApiKey, KeyChange, KeyGateway, StoredKey } from '../grants/index.ts';

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** A row that isn't of the form that we wrote is a broken store. */
function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new TypeError(`${name} is no text`);
  return value;
}

function count(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number') throw new TypeError(`${name} is no number`);
  return value;
}

export function apiKeyOf(row: Row): ApiKey {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    owner: text(row, 'owner'),
    createdMs: count(row, 'created_ms'),
    endsMs: count(row, 'ends_ms'),
    ...(row.revoked_ms !== null && { revokedMs: count(row, 'revoked_ms') }),
  };
}

export function storedKeyOf(row: Row): StoredKey {
  if (!(row.hash instanceof Uint8Array)) throw new TypeError('hash is no bytes');
  return { ...apiKeyOf(row), hash: row.hash };
}

export function changeOf(row: Row): KeyChange {
  const kind = text(row, 'kind');
  if (kind !== 'created' && kind !== 'rotated' && kind !== 'revoked') throw new TypeError(`a change ${kind}`);
  return {
    number: count(row, 'number'),
    kind,
    keyId: text(row, 'key_id'),
    name: text(row, 'name'),
    owner: text(row, 'owner'),
    by: text(row, 'by_user'),
    atMs: count(row, 'at_ms'),
    endsMs: count(row, 'ends_ms'),
  };
}

export function gatewayOf(row: Row): KeyGateway {
  return {
    run: text(row, 'run'),
    engine: text(row, 'engine'),
    environment: text(row, 'environment'),
    pid: count(row, 'pid'),
    confirmed: count(row, 'confirmed'),
    confirmedMs: count(row, 'confirmed_ms'),
    processes: text(row, 'processes')
      .split('\n')
      .filter((line) => line !== ''),
  };
}
