import {
  assertionHeader,
  forwardedForHeader,
  headerText,
  issuerHeader,
  requestIdHeader,
  subjectHeader,
} from './headers.ts';
import type { Permit } from './permit.ts';

/**
 * The fields that an upstream gets from Headgate, in order, after those of `isRemovedHeader` are gone: the same on every
 * engine. `address`: the peer's, without a port. A caller who is not known has none of the identity's.
 */
export function upstreamHeaders(
  permit: Permit,
  requestId: string,
  address: string,
): readonly (readonly [name: string, value: string])[] {
  const { identity, assertion } = permit.fields;
  const headers: [string, string][] = [
    [requestIdHeader, requestId],
    [forwardedForHeader, address],
  ];
  if (identity === undefined) return headers;
  headers.push([subjectHeader, headerText(identity.subject)], [issuerHeader, headerText(identity.issuer)]);
  if (assertion !== undefined) headers.push([assertionHeader, assertion]);
  return headers;
}
