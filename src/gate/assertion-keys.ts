import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readKeyFile, readOrMakeKeyFile } from './key-files.ts';
import { assertionKeyAgeMs, assertionKeysMax } from './limits.ts';

/** An Ed25519 key that assertions are signed with. */
export interface AssertionKey {
  /** Counts from 1; the file is `assertion-<number>.json`. */
  readonly number: number;
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly privateKey: KeyObject;
  readonly publicKey: JsonWebKey;
}

/**
 * Assertion keys in `folder`, oldest first, never empty. Makes the first one, and a new one when the newest is old; removes
 * those that nothing can still be signed with. The file's number is what processes agree by.
 */
export async function loadAssertionKeys(folder: string, nowMs: number): Promise<readonly AssertionKey[]> {
  const keys = await readKeys(folder);
  const newest = keys.at(-1);
  if (newest === undefined || nowMs - newest.createdAtMs >= assertionKeyAgeMs) {
    const number = (newest?.number ?? 0) + 1;
    const file = fileOf(folder, number);
    keys.push(parseKey(file, number, await readOrMakeKeyFile(file, () => freshKey(nowMs))));
  }
  const surplus = keys.splice(0, Math.max(0, keys.length - assertionKeysMax));
  for (const { number } of surplus) await unlink(fileOf(folder, number)).catch(() => undefined);
  return keys;
}

async function readKeys(folder: string): Promise<AssertionKey[]> {
  const numbers = (await readdir(folder)).flatMap((name) => {
    const digits = /^assertion-([1-9][0-9]{0,8})\.json$/.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
  const keys: AssertionKey[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const file = fileOf(folder, number);
    const text = await readKeyFile(file);
    if (text !== undefined) keys.push(parseKey(file, number, text));
  }
  return keys;
}

function fileOf(folder: string, number: number): string {
  return join(folder, `assertion-${number}.json`);
}

function freshKey(nowMs: number): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return `${JSON.stringify({ createdAtMs: nowMs, key: privateKey.export({ format: 'jwk' }) })}\n`;
}

function parseKey(file: string, number: number, text: string): AssertionKey {
  try {
    const { createdAtMs, key } = JSON.parse(text) as { createdAtMs: unknown; key: JsonWebKey };
    if (typeof createdAtMs !== 'number') throw new TypeError('no time of creation');
    const privateKey = createPrivateKey({ key, format: 'jwk' });
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
    const publicKey = createPublicKey(privateKey).export({ format: 'jwk' });
    const keyId = thumbprint(publicKey);
    return {
      number,
      keyId,
      createdAtMs,
      privateKey,
      publicKey: { ...publicKey, kid: keyId, alg: 'EdDSA', use: 'sig' },
    };
  } catch (cause) {
    throw new Error(`key file ${file} is damaged`, { cause });
  }
}

/** RFC 7638; members of an OKP key by RFC 8037, section 2. */
function thumbprint({ crv, kty, x }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}
