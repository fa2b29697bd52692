import { type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../std/clock.ts';
import { Secret } from '../std/secret.ts';
import { type AssertionKey, loadAssertionKeys } from './assertion-keys.ts';
import { makeKeyFolder, readKeyFile, readOrMakeKeyFile } from './key-files.ts';
import { assertionKeyLeadMs, keysLookMs } from './limits.ts';

/** The gate's own keys. Every gate over one state folder has the same. */
export interface GateKeys {
  /** Secret of `Identity.id`: 32 bytes, made once and never replaced. */
  readonly idKey: Secret<Uint8Array>;
  /** Key that signs assertions now. */
  signer(): { readonly keyId: string; readonly privateKey: KeyObject };
  /** Public keys, the coming one and earlier ones among them. */
  published(): readonly JsonWebKey[];
}

/**
 * Keys in `<stateDirectory>/keys`, mode 0600, made on first use. Rejects, with a sentence for the operator, where they can't
 * be made, can be read by others, or are damaged: a damaged key is never replaced, because every id would change.
 */
export async function loadGateKeys(stateDirectory: string, clock: Clock): Promise<GateKeys> {
  const folder = join(stateDirectory, 'keys');
  await makeKeyFolder(folder);
  const idKey = new Secret(await loadIdKey(folder));
  let keys = await loadAssertionKeys(folder, clock.now());
  let lookedAtMs = clock.now();
  const lookAgain = (): void => {
    if (clock.now() - lookedAtMs < keysLookMs) return;
    lookedAtMs = clock.now();
    // What is known stays good where the folder can't be read now.
    loadAssertionKeys(folder, lookedAtMs).then(
      (found) => {
        keys = found;
      },
      () => undefined,
    );
  };
  return {
    idKey,
    signer() {
      lookAgain();
      return signingKey(keys, clock.now());
    },
    published() {
      lookAgain();
      return keys.map((key) => key.publicKey);
    },
  };
}

/** The newest that has been published for long enough, or else the oldest. `keys`: oldest first, never empty. */
function signingKey(keys: readonly AssertionKey[], nowMs: number): AssertionKey {
  const key = keys.findLast(({ createdAtMs }) => createdAtMs + assertionKeyLeadMs <= nowMs) ?? keys[0];
  if (key === undefined) throw new Error('there is no assertion key');
  return key;
}

/** The secret of ids, where the state folder has one already; undefined where there is none, or it can't be read. */
export async function readIdKey(stateDirectory: string): Promise<Secret<Uint8Array> | undefined> {
  const text = await readKeyFile(join(stateDirectory, 'keys', idKeyFile)).catch(() => undefined);
  return text !== undefined && idKeyForm.test(text) ? new Secret(Buffer.from(text.trim(), 'hex')) : undefined;
}

const idKeyFile = 'id.key';
const idKeyForm = /^[0-9a-f]{64}\n$/;

async function loadIdKey(folder: string): Promise<Uint8Array> {
  const file = join(folder, idKeyFile);
  const text = await readOrMakeKeyFile(file, () => `${randomBytes(32).toString('hex')}\n`);
  if (!idKeyForm.test(text)) throw new Error(`key file ${file} is damaged`);
  return Buffer.from(text.trim(), 'hex');
}
