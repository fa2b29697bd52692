import type { DenialReason } from '../../gate/index.ts';

/** Of an error before a connection was there: it could not be made, so that nothing was sent. */
export function isUnreached(error: Error): boolean {
  return !codeOf(error).startsWith('UND_ERR_INVALID') && !codeOf(error).startsWith('UND_ERR_NOT_SUPPORTED');
}

/** The connection was closed. */
export function isClosed(error: Error): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

/** What the client is told of it. */
export function reasonOf(error: Error): DenialReason {
  const code = codeOf(error);
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'upstream-timeout';
  // Fields or a target that the upstream's side of HTTP can't carry.
  if (code.startsWith('UND_ERR_INVALID') || code === 'UND_ERR_NOT_SUPPORTED') return 'request-malformed';
  return 'upstream-malformed';
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

/** Milliseconds for which an answer's `Retry-After` (RFC 9110, section 10.2.3) asks to be left alone; 0: it doesn't, or not readably. */
export function retryAfterMs(fields: readonly string[], nowMs: number): number {
  const text = fieldOf(fields, 'retry-after');
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}

/** The same of `grpc-retry-pushback-ms` (gRFC A6): what is no number there means never. */
export function pushbackMs(fields: readonly string[]): number {
  const text = fieldOf(fields, 'grpc-retry-pushback-ms');
  if (text === undefined) return 0;
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}

function fieldOf(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at]?.toLowerCase() === name) return fields[at + 1];
  return undefined;
}
