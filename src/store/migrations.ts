/** Each brings the store from the version that is its index to the next. What has been released is never changed. */
export const migrations: readonly string[] = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     owner TEXT NOT NULL,
     hash BLOB NOT NULL,
     created_ms INTEGER NOT NULL,
     ends_ms INTEGER NOT NULL,
     revoked_ms INTEGER
   ) STRICT;
   CREATE INDEX keys_by_name ON keys (name);
   CREATE TABLE changes (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     kind TEXT NOT NULL,
     key_id TEXT NOT NULL,
     name TEXT NOT NULL,
     owner TEXT NOT NULL,
     by_user TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     ends_ms INTEGER NOT NULL,
     audited INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX changes_unaudited ON changes (number) WHERE audited = 0;
   CREATE INDEX changes_by_time ON changes (at_ms);
   CREATE TABLE gateways (
     run TEXT PRIMARY KEY,
     engine TEXT NOT NULL,
     environment TEXT NOT NULL,
     pid INTEGER NOT NULL,
     confirmed INTEGER NOT NULL,
     confirmed_ms INTEGER NOT NULL,
     processes TEXT NOT NULL
   ) STRICT;`,
];

/** The version that this code reads and writes. */
export const storeVersion = migrations.length;
