import { createHmac } from 'node:crypto';

/**
 * `Identity.id`: 128 bits of HMAC-SHA256 over issuer and subject, each with its length before it, so that no two pairs run
 * into one another. 22 characters of base64url.
 */
export function subjectId(idKey: Uint8Array, issuer: string, subject: string): string {
  const hmac = createHmac('sha256', idKey);
  for (const part of [issuer, subject]) {
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return hmac.digest().subarray(0, 16).toString('base64url');
}
