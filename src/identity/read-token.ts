import { isKnownAlgorithm } from './algorithms.ts';
import { fault } from './fault.ts';
import { type JsonObject, parseStrictJsonObject } from './strict-json.ts';
import type { Fault } from './types.ts';

/** A compact JWS that is well-formed. Nothing in it is proven. */
export interface ReadToken {
  readonly kind: 'token';
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** Lower case, without `application/`; `''` where there is none. */
  readonly type: string;
  readonly payload: JsonObject;
}

/** Reads a token by the strict forms of RFC 7515, 7519 and 8725, so that no two readers see two tokens in it. */
export function readToken(text: string): ReadToken | Fault {
  const parts = text.split('.', 6);
  if (parts.length !== 3) return malformed('not three parts');
  const [headerPart = '', payloadPart = '', signaturePart = ''] = parts;
  const header = partObject(headerPart);
  if (header === undefined) return malformed('header');
  const payload = partObject(payloadPart);
  if (payload === undefined) return malformed('payload');
  return readHeader(header, { text, payload, hasSignature: strictBase64url(signaturePart) !== undefined });
}

interface Rest {
  readonly text: string;
  readonly payload: JsonObject;
  readonly hasSignature: boolean;
}

function readHeader(header: JsonObject, { text, payload, hasSignature }: Rest): ReadToken | Fault {
  const { alg, kid, typ, crit, b64 } = header;
  if (typeof alg !== 'string') return malformed('alg');
  if (!isKnownAlgorithm(alg)) return fault('credential-algorithm', 'algorithm is never accepted');
  if (!hasSignature) return malformed('signature');
  if (crit !== undefined) return malformed('crit');
  if (b64 !== undefined && b64 !== true) return malformed('b64');
  if (kid !== undefined && typeof kid !== 'string') return malformed('kid');
  if (typ !== undefined && typeof typ !== 'string') return malformed('typ');
  return { kind: 'token', text, algorithm: alg, keyId: kid, type: shortType(typ ?? ''), payload };
}

/** RFC 7515, section 4.1.9: `application/` may be left out where no other slash follows. */
function shortType(type: string): string {
  const lower = type.toLowerCase();
  const rest = lower.startsWith('application/') ? lower.slice('application/'.length) : lower;
  return rest.includes('/') ? lower : rest;
}

function partObject(part: string): JsonObject | undefined {
  const bytes = strictBase64url(part);
  return bytes === undefined ? undefined : parseStrictJsonObject(bytes);
}

/** Refuses padding, other alphabets, white space and trailing bits: bytes have one text. RFC 4648, sections 3.5 and 5. */
function strictBase64url(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === part ? bytes : undefined;
}

function malformed(detail: string): Fault {
  return fault('credential-malformed', detail);
}
