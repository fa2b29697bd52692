import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type KeyStore, makeKey } from '../grants/index.ts';
import { openKeyFinder, openKeyStore, storePath } from './index.ts';

const act = { by: 'alice', nowMs: 1000 };

function newKey(name: string, endsMs = 10_000) {
  const { id, hash, text } = makeKey();
  return { key: { id, hash, name, endsMs, owner: 'finance' }, text: text.reveal() };
}

describe('the store of API keys', () => {
  let state: string;
  let store: KeyStore;

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'hg-store-'));
    store = openKeyStore(state);
  });

  afterEach(() => {
    store.close();
    rmSync(state, { recursive: true, force: true });
  });

  it('is for its owner alone, in every file', () => {
    store.create(newKey('a').key, act);
    const folder = join(state, 'store');
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.ok(readdirSync(folder).length >= 2, 'a log beside it');
    for (const file of readdirSync(folder)) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  });

  it('finds a key by its id, and keeps nothing of its text but a hash', () => {
    const { key, text } = newKey('batch-scorer');
    store.create(key, act);
    const { hash, owner, ...told } = key;
    assert.deepEqual(store.find(key.id), { ...told, owner, hash: new Uint8Array(hash), createdMs: 1000 });
    assert.equal(store.find('0'.repeat(22)), undefined);
    for (const file of readdirSync(join(state, 'store'))) {
      assert.ok(!holds(join(state, 'store', file), text.slice(26, 58)), file);
    }
  });

  it('gives a name one key at first, and two during a rotation', () => {
    const [first, second, third] = [newKey('a').key, newKey('a', 20_000).key, newKey('a').key];
    store.create(first, act);
    assert.throws(() => store.create(second, act), { name: 'KeyRefusal', code: 'key-exists' });
    assert.equal(store.rotate(second, 5000, { ...act, nowMs: 2000 }).endsMs, 5000);
    assert.equal(store.find(first.id)?.endsMs, 5000);
    assert.throws(() => store.rotate(third, 5000, { ...act, nowMs: 3000 }), { code: 'keys-overlap' });
    store.rotate(third, 9000, { ...act, nowMs: 6000 });
    assert.deepEqual(
      store.list().map(({ id }) => id),
      [third.id, second.id, first.id],
    );
  });

  it('never makes a key live longer by rotating it', () => {
    const first = newKey('a', 4000).key;
    store.create(first, act);
    assert.equal(store.rotate(newKey('a').key, 9000, act).endsMs, 4000);
    assert.throws(() => store.rotate(newKey('none').key, 9000, act), { code: 'key-missing' });
  });

  it('revokes for good, and takes note once', () => {
    const { key } = newKey('a');
    store.create(key, act);
    assert.equal(store.revoke([key.id, 'nobody'], { by: 'bob', nowMs: 2000 }).length, 1);
    assert.equal(store.revoke([key.id], { by: 'bob', nowMs: 3000 }).length, 0);
    assert.equal(store.find(key.id)?.revokedMs, 2000);
    store.create(newKey('a').key, act);
    const told = store.changesAfter(0).map(({ kind, by, name, atMs }) => ({ kind, by, name, atMs }));
    assert.deepEqual(told, [
      { kind: 'created', by: 'alice', name: 'a', atMs: 1000 },
      { kind: 'revoked', by: 'bob', name: 'a', atMs: 2000 },
      { kind: 'created', by: 'alice', name: 'a', atMs: 1000 },
    ]);
    assert.equal(store.lastChangeBefore(1500), 3);
    assert.deepEqual(store.changesAfter(3), []);
  });

  it('says when another process has written, and who has confirmed', () => {
    const other = openKeyStore(state);
    const before = store.version();
    assert.equal(store.version(), before);
    other.join({
      run: 'r',
      engine: 'haproxy',
      environment: 'dev',
      pid: 7,
      confirmed: 0,
      confirmedMs: 1,
      processes: [],
    });
    other.confirm({ run: 'r', confirmed: 4, confirmedMs: 2, processes: ['haproxy (pid 8)'] });
    assert.notEqual(store.version(), before);
    assert.deepEqual(
      store.gateways().map(({ confirmed, processes }) => ({ confirmed, processes })),
      [{ confirmed: 4, processes: ['haproxy (pid 8)'] }],
    );
    other.leave('r');
    assert.deepEqual(store.gateways(), []);
    other.close();
  });

  it('is read by a finder as soon as it is written, and after it was put in another one’s place', () => {
    const finder = openKeyFinder(state);
    const { key } = newKey('a');
    assert.equal(finder.find(key.id), undefined);
    store.create(key, act);
    assert.equal(finder.find(key.id)?.name, 'a');
    store.revoke([key.id], act);
    assert.equal(finder.find(key.id)?.revokedMs, 1000);
    store.close();
    renameSync(join(state, 'store'), join(state, 'away'));
    assert.throws(() => finder.find(key.id), { name: 'StoreFault', code: 'store-missing' });
    store = openKeyStore(state);
    assert.equal(finder.find(key.id), undefined);
    finder.close();
  });

  it('says that it is broken, locked, or of a newer Headgate', () => {
    const finder = openKeyFinder(state);
    const holder = new DatabaseSync(storePath(state));
    holder.exec('BEGIN IMMEDIATE');
    assert.throws(() => store.create(newKey('a').key, act), { code: 'store-busy' });
    holder.close();
    store.close();
    const newer = new DatabaseSync(storePath(state));
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    for (const open of [() => openKeyStore(state), () => finder.find('x')])
      assert.throws(open, { code: 'store-newer' });
    writeFileSync(storePath(state), 'not a database at all, but long enough for a header'.repeat(40));
    for (const open of [() => openKeyStore(state), () => finder.find('x')]) {
      assert.throws(open, { name: 'StoreFault', code: 'store-broken' });
    }
    rmSync(join(state, 'store'), { recursive: true });
    store = openKeyStore(state);
  });

  it('is made and written by many processes at once', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'hg-store-many-'));
    const script = `
      import { openKeyStore } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
      import { makeKey } from ${JSON.stringify(join(import.meta.dirname, '../grants/index.ts'))};
      const store = openKeyStore(${JSON.stringify(fresh)});
      for (let turn = 0; turn < 10; turn += 1) {
        const { id, hash } = makeKey();
        store.create({ id, hash, owner: 'o', name: 'k' + process.pid + '.' + turn, endsMs: 1e15 }, { by: 'me', nowMs: 1 });
      }
      store.close();`;
    const run = promisify(execFile);
    await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, ['--input-type=module', '-e', script])));
    const whole = openKeyStore(fresh);
    assert.equal(whole.list().length, 40);
    assert.equal(whole.changesAfter(0).at(-1)?.number, 40);
    whole.close();
    rmSync(fresh, { recursive: true });
  });
});

function holds(path: string, text: string): boolean {
  return readFileSync(path).includes(text);
}
