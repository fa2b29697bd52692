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
