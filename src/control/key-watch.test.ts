import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type KeyStore, makeKey } from '../grants/index.ts';
import { keySubjectId } from '../identity/index.ts';
import { systemClock } from '../std/clock.ts';
import { openKeyStore, storePath } from '../store/index.ts';
import { type KeyWatch, watchKeys } from './key-watch.ts';
import { eventually } from './testing/workshop.ts';

const idKey = new Uint8Array(32);
const idOf = (name: string): string => keySubjectId(idKey, name);

describe('the watch over API keys', () => {
  let state: string;
  let revoked: string[];
  let said: string[];
  let fails: number;

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'hg-watch-'));
    [revoked, said, fails] = [[], [], 0];
  });

  afterEach(() => rmSync(state, { recursive: true, force: true }));

  const start = (isNeeded = true): Promise<KeyWatch> =>
    watchKeys({
      ...{ state, engine: 'haproxy', environment: 'dev', idKey, clock: systemClock },
      isNeeded: () => isNeeded,
      log: (line) => said.push(line),
      running: {
        async revoke(ids) {
          if (fails > 0) {
            fails -= 1;
            throw new Error('the engine is unwell');
          }
          revoked.push(...ids);
        },
        status: async () => ({
          ...{ keptDecisions: 0, endpoints: [], issuers: [] },
          processes: [{ role: 'haproxy', pid: 7, epoch: '' }],
        }),
      },
    });

  const add = (store: KeyStore, name: string, nowMs = Date.now()) => {
    const { id, hash } = makeKey();
    return store.create({ id, hash, name, owner: 'o', endsMs: nowMs + 1e6 }, { by: 'alice', nowMs });
  };
  const act = () => ({ by: 'alice', nowMs: Date.now() });

  test('ends what was revoked or rotated, confirms it, and writes all into the spool', async () => {
    const watch = await start();
    const store = openKeyStore(state);
    const made = [add(store, 'a'), add(store, 'b')];
    const { id, hash } = makeKey();
    store.rotate({ id, hash, name: 'b', endsMs: Date.now() + 1e6 }, Date.now(), act());
    const last = store.revoke([made[0]?.keyId ?? ''], act()).at(-1)?.number ?? 0;
    await eventually(() => store.gateways().every(({ confirmed }) => confirmed === last), 'confirmed');
    assert.deepEqual(new Set(revoked), new Set([idOf('a'), idOf('b')]));
    assert.deepEqual(
      store.gateways().map(({ engine, processes }) => [engine, processes]),
      [['haproxy', ['haproxy (pid 7)']]],
    );
    await eventually(() => store.unaudited().length === 0, 'audited');
    const [spool = ''] = readdirSync(join(state, 'spool'));
    const acts = readFileSync(join(state, 'spool', spool), 'utf8').match(/"act":"\w+"/g);
    assert.deepEqual(acts, ['"act":"created"', '"act":"created"', '"act":"rotated"', '"act":"revoked"']);
    await watch.stop();
    assert.deepEqual(store.gateways(), []);
    store.close();
  });

  test('takes up what happened while no gateway ran, as far as it can matter', async () => {
    const store = openKeyStore(state);
    const old = add(store, 'old', Date.now() - 86_400_000);
    store.revoke([old.keyId], { by: 'alice', nowMs: Date.now() - 3_600_000 });
    store.revoke([add(store, 'fresh').keyId], act());
    const watch = await start();
    assert.deepEqual(revoked, [idOf('fresh')]);
    assert.equal(store.unaudited().length, 0);
    await watch.stop();
    store.close();
  });

  test('tries again where the engine did not confirm', async () => {
    const store = openKeyStore(state);
    const { keyId } = add(store, 'a');
    const watch = await start();
    fails = 1;
    const last = store.revoke([keyId], act()).at(-1)?.number ?? 0;
    await eventually(() => watch.status().state === 'failing', 'failing');
    assert.notEqual(store.gateways()[0]?.confirmed, last);
    await eventually(() => store.gateways()[0]?.confirmed === last, 'confirmed after all');
    assert.equal(watch.status().state, 'ok');
    assert.ok(said.some((line) => line.includes('the engine is unwell')));
    await watch.stop();
    store.close();
  });

  test('makes no store where no policy has keys, and finds one that comes', async () => {
    const watch = await start(false);
    assert.equal(watch.status().state, 'none');
    assert.throws(() => readFileSync(storePath(state)));
    const store = openKeyStore(state);
    await eventually(() => store.gateways().length === 1, 'joined');
    await watch.stop();
    store.close();
  });
});
