import { pipeline, type Readable } from 'node:stream';
import type { Coding } from '../../plan/types.ts';
import { coded, coder } from './codings.ts';
import { codedBytesMin } from './limits.ts';

/** A request as the upstream gets it: fields (name, value, name, value…) and body. */
export interface Sent {
  readonly fields: readonly string[];
  readonly body: Buffer | Readable | null;
}

/** With one of these a body stays as it is: it is coded already, a part of something, or sworn to byte by byte. */
const asItIs: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-range',
  'content-digest',
  'digest',
  'content-md5',
]);

/** Codes a request's body for the upstream: once, so that another try sends the same bytes. */
export function codedRequest({ fields, body }: Sent, coding: Coding): Sent {
  if (body === null || (Buffer.isBuffer(body) && body.length < codedBytesMin)) return { fields, body };
  for (let at = 0; at < fields.length; at += 2) {
    if (asItIs.has((fields[at] as string).toLowerCase())) return { fields, body };
  }
  const left = fields.filter((_text, at) => fields[at - (at % 2)]?.toLowerCase() !== 'content-length');
  left.push('content-encoding', coding);
  if (Buffer.isBuffer(body)) return { fields: left, body: coded(body, coding) };
  // Who leaves is heard by the connection; the body then ends with an error, and nobody takes it for whole.
  return { fields: left, body: pipeline(body, coder(coding, false), () => undefined) };
}
