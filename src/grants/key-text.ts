import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Secret } from '../std/secret.ts';

/** How every key's text begins, so that scanners find one that leaked. */
export const keyPrefix = 'hgk_';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const idCharacters = 22;
/** 32 characters of base62: 190 bits. */
const secretCharacters = 32;
const sumCharacters = 6;
const keyCharacters = keyPrefix.length + idCharacters + secretCharacters + sumCharacters;
const keyForm = /^hgk_[0-9A-Za-z]{60}$/;
const idForm = /^[0-9A-Za-z]{22}$/;

/** The text of a key taken apart. */
export interface KeyText {
  readonly id: string;
  readonly secret: Secret<string>;
}

export interface MadeKey {
  readonly id: string;
  /** What the holder gets, once. */
  readonly text: Secret<string>;
  readonly hash: Uint8Array;
}

/**
 * A new key: `hgk_`, 22 characters of id, 32 of secret, 6 of checksum, all base62, so that a double click takes the whole.
 * `random` gives that many random bytes.
 */
export function makeKey(random: (count: number) => Uint8Array = randomBytes): MadeKey {
  const id = base62(idCharacters, random);
  const secret = base62(secretCharacters, random);
  const body = `${keyPrefix}${id}${secret}`;
  return { id, text: new Secret(`${body}${checksum(body)}`), hash: secretHash(secret) };
}

/** Whether a credential means to be a key, well-formed or not. */
export function isKeyText(text: string): boolean {
  return text.startsWith(keyPrefix);
}

/** Whether a text is the id of a key. */
export function isKeyId(text: string): boolean {
  return idForm.test(text);
}

/** A key's text taken apart; undefined where it is none, or its checksum shows a slip. */
export function readKeyText(text: string): KeyText | undefined {
  if (text.length !== keyCharacters || !keyForm.test(text)) return undefined;
  const body = text.slice(0, -sumCharacters);
  if (checksum(body) !== text.slice(-sumCharacters)) return undefined;
  const secretAt = keyPrefix.length + idCharacters;
  return { id: body.slice(keyPrefix.length, secretAt), secret: new Secret(body.slice(secretAt)) };
}

/** Whether this is the secret part that the hash was made of; in constant time. */
export function isSecretOf(stored: Uint8Array, secret: Secret<string>): boolean {
  const given = secretHash(secret.reveal());
  return given.length === stored.length && timingSafeEqual(given, stored);
}

/**
 * What the store keeps. One round of SHA-256 is enough: the secret is 190 random bits, not a word that a person chose, so that
 * there is nothing to try out, however fast; a slow hash would only slow down the gate.
 */
function secretHash(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}

/** CRC-32 in base62: tells a slip from a stranger without asking the store, and lets scanners tell keys from look-alikes. */
function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < sumCharacters; place += 1) {
    text = (alphabet[rest % 62] ?? '') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** Random characters, each as likely as any other: bytes from 248 on are left out. */
function base62(count: number, random: (count: number) => Uint8Array): string {
  let text = '';
  while (text.length < count) {
    for (const byte of random(count)) if (byte < 248 && text.length < count) text += alphabet[byte % 62] ?? '';
  }
  return text;
}
