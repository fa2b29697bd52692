export { assertionHeader, chainHeader } from '../plan/index.ts';

/** Header fields that Headgate itself sets for the upstream. Nobody else may. */
export const requestIdHeader = 'x-headgate-request-id';
export const subjectHeader = 'x-headgate-subject';
export const issuerHeader = 'x-headgate-issuer';
/** Replaced by the address of the peer. */
export const forwardedForHeader = 'x-forwarded-for';

/**
 * Names that are removed from every incoming request before ours are set, compared in lower case. `_` counts as `-`,
 * because some upstreams merge the two. The credential stays here: the upstream gets the assertion.
 */
export const removedHeaderPattern =
  '^(x[-_]headgate[-_].*|authorization|proxy-authorization|forwarded|x[-_]forwarded[-_].*)$';

const removed = new RegExp(removedHeaderPattern);

/** Whether an incoming field is removed. `name` in lower case. */
export function isRemovedHeader(name: string): boolean {
  return removed.test(name);
}

/**
 * A text as a header field value: visible ASCII as it is, everything else and `%` percent-encoded as UTF-8, so that no
 * subject can break a field or read as another's.
 */
export function headerText(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character));
}
