import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { loadGateKeys } from './keys.ts';
import { assertionKeyAgeMs, assertionKeyLeadMs, assertionKeysMax, keysLookMs } from './limits.ts';

let state: string;
let nowMs: number;
const clock = { now: () => nowMs };
const file = (name: string) => join(state, 'keys', name);

beforeEach(async () => {
  nowMs = 1_800_000_000_000;
  state = await mkdtemp(join(tmpdir(), 'headgate-keys-'));
});
afterEach(() => rm(state, { recursive: true }));

describe('the keys of a state folder', () => {
  test('are made on first use, for their owner alone, and stay', async () => {
    const first = await loadGateKeys(state, clock);
    assert.deepEqual((await readdir(join(state, 'keys'))).sort(), ['assertion-1.json', 'id.key']);
    for (const name of ['id.key', 'assertion-1.json']) assert.equal((await stat(file(name))).mode & 0o777, 0o600);
    assert.equal((await stat(join(state, 'keys'))).mode & 0o777, 0o700);
    const second = await loadGateKeys(state, clock);
    assert.deepEqual(first.idKey.reveal(), second.idKey.reveal());
    assert.equal(first.idKey.reveal().length, 32);
    assert.deepEqual(first.published(), second.published());
  });

  test('show no private part', async () => {
    const keys = await loadGateKeys(state, clock);
    assert.deepEqual(Object.keys(keys.published()[0] ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    assert.ok(!JSON.stringify(keys).includes(Buffer.from(keys.idKey.reveal()).toString('hex')));
  });

  test('are the same for threads that start at once', async () => {
    const code = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { loadGateKeys } = await import(workerData.module);
      const keys = await loadGateKeys(workerData.state, { now: () => workerData.nowMs });
      parentPort.postMessage([Buffer.from(keys.idKey.reveal()).toString('hex'), keys.signer().keyId]);`;
    const workerData = { module: new URL('./keys.ts', import.meta.url).href, state, nowMs };
    const seen = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData });
        const [id, keyId] = await new Promise<string[]>((resolve, reject) =>
          worker.once('message', resolve).once('error', reject),
        );
        return `${id} ${keyId}`;
      }),
    );
    assert.equal(new Set(seen).size, 1);
    assert.equal((await readdir(join(state, 'keys'))).length, 2);
  });

  test('are refused where others can read them', async () => {
    await loadGateKeys(state, clock);
    await chmod(file('id.key'), 0o640);
    await assert.rejects(loadGateKeys(state, clock), /can be read by others/);
  });

  test('are refused, never replaced, where they are damaged', async () => {
    await loadGateKeys(state, clock);
    const good = await readFile(file('id.key'));
    await writeFile(file('id.key'), 'half');
    await assert.rejects(loadGateKeys(state, clock), /is damaged/);
    assert.equal(await readFile(file('id.key'), 'utf8'), 'half');
    await writeFile(file('id.key'), good);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const { key } = JSON.parse(await readFile(file('assertion-1.json'), 'utf8')) as { key: object };
    for (const content of [{}, { key }, { createdAtMs: nowMs, key: other }]) {
      await writeFile(file('assertion-1.json'), JSON.stringify(content));
      await assert.rejects(loadGateKeys(state, clock), /is damaged/);
    }
  });
});

describe('rotation of the assertion key', () => {
  test('a new one is published first and signs later; the old one stays published', async () => {
    const keys = await loadGateKeys(state, clock);
    const { keyId } = keys.signer();
    nowMs += assertionKeyAgeMs;
    keys.published();
    while (keys.published().length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(keys.signer().keyId, keyId);
    const other = await loadGateKeys(state, clock);
    assert.equal(other.signer().keyId, keyId);
    nowMs += assertionKeyLeadMs;
    assert.notEqual(keys.signer().keyId, keyId);
    assert.equal(keys.signer().keyId, other.signer().keyId);
    assert.deepEqual(keys.published().map((key) => key.kid)[0], keyId);
  });

  test('few are kept, and the id key never changes', async () => {
    const { idKey } = await loadGateKeys(state, clock);
    for (let count = 0; count < 5; count++) {
      nowMs += assertionKeyAgeMs;
      assert.deepEqual((await loadGateKeys(state, clock)).idKey.reveal(), idKey.reveal());
    }
    const names = await readdir(join(state, 'keys'));
    assert.deepEqual(names.sort(), ['assertion-4.json', 'assertion-5.json', 'assertion-6.json', 'id.key']);
    assert.equal(names.length - 1, assertionKeysMax);
    assert.ok(keysLookMs < assertionKeyLeadMs);
  });
});
