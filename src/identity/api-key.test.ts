import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KeyFinder, makeKey, type StoredKey, StoreFault } from '../grants/index.ts';
import { keySubjectId } from './api-key.ts';
import { createIdentifier } from './identifier.ts';

const idKey = new Uint8Array(32);
const now = 1_000_000;
const made = makeKey();
const stored: StoredKey = {
  ...{ id: made.id, hash: made.hash, name: 'batch-scorer', owner: 'finance' },
  ...{ createdMs: now - 1, endsMs: now + 1000 },
};

function identify(finder: KeyFinder | undefined, value = `Bearer ${made.text.reveal()}`, nowMs = now) {
  const identities = [{ name: 'keys', kind: 'apiKeys' } as const];
  const who = createIdentifier({ identities, apiKeys: finder, idKey, clock: { now: () => nowMs } });
  return who.identify(['authorization', value], nowMs);
}

const has = (key: StoredKey): KeyFinder => ({ find: (id) => (id === key.id ? key : undefined) });

async function faultOf(...given: Parameters<typeof identify>): Promise<string> {
  const found = await identify(...given);
  return found.kind === 'fault' ? found.fault : found.kind;
}

describe('a caller with an API key', () => {
  it('is known by the name of the key', async () => {
    assert.deepEqual(await identify(has(stored)), {
      kind: 'identity',
      identity: {
        provider: 'keys',
        kind: 'apiKey',
        issuer: 'urn:headgate:keys',
        subject: 'batch-scorer',
        id: keySubjectId(idKey, 'batch-scorer'),
        groups: [],
        client: 'batch-scorer',
        keyId: stored.id,
        expiresAtMs: now + 1000,
      },
    });
  });

  it('is asked for anew each time', async () => {
    let asked = 0;
    const finder: KeyFinder = {
      find(id) {
        asked += 1;
        return asked === 1 ? stored : { ...stored, id, revokedMs: now };
      },
    };
    const identities = [{ name: 'keys', kind: 'apiKeys' } as const];
    const who = createIdentifier({ identities, apiKeys: finder, idKey, clock: { now: () => now } });
    const headers = ['authorization', `Bearer ${made.text.reveal()}`];
    assert.equal((await who.identify(headers, now)).kind, 'identity');
    assert.equal((await who.identify(headers, now)).kind, 'fault');
  });

  it('gets one answer whether the key is unknown, has another secret or was revoked', async () => {
    const other = makeKey();
    const unknown: KeyFinder = { find: () => undefined };
    for (const finder of [unknown, has({ ...stored, hash: other.hash }), has({ ...stored, revokedMs: now - 1 })]) {
      assert.equal(await faultOf(finder), 'credential-unknown');
    }
    assert.equal(await faultOf(has({ ...stored, hash: other.hash, endsMs: 0 })), 'credential-unknown');
  });

  it('is told that its own key has expired', async () => {
    assert.equal(await faultOf(has(stored), undefined, now + 999), 'identity');
    assert.equal(await faultOf(has(stored), undefined, now + 1000), 'credential-expired');
  });

  it('is refused for a slip without asking the store', async () => {
    const finder: KeyFinder = { find: () => assert.fail('asked') };
    for (const text of [made.text.reveal().slice(0, -1), `${made.text.reveal()}x`, 'hgk_', `hgk_${'0'.repeat(60)}`]) {
      assert.equal(await faultOf(finder, `Bearer ${text}`), 'credential-malformed');
    }
  });

  it('is let in by nothing where the store can not be asked', async () => {
    const broken: KeyFinder = {
      find() {
        throw new StoreFault('store-broken', 'broken');
      },
    };
    for (const finder of [broken, undefined]) assert.equal(await faultOf(finder), 'identity-unavailable');
  });

  it('is a stranger where the policy has no keys', async () => {
    const who = createIdentifier({ identities: [], apiKeys: has(stored), idKey, clock: { now: () => now } });
    const found = await who.identify(['authorization', `Bearer ${made.text.reveal()}`], now);
    assert.equal(found.kind === 'fault' && found.fault, 'credential-malformed');
  });

  it('never has its text in a detail', async () => {
    const secret = made.text.reveal().slice(26);
    for (const finder of [has({ ...stored, revokedMs: 1 }), has({ ...stored, endsMs: 0 }), undefined]) {
      assert.ok(!JSON.stringify(await identify(finder)).includes(secret));
    }
  });
});
