import {
  assertionHeader,
  chainHeader,
  forwardedForHeader,
  headerText,
  issuerHeader,
  requestIdHeader,
  subjectHeader,
} from './headers.ts';
import type { Permit } from './permit.ts';

/**
 * The fields that an upstream gets from Headgate, in order, after those of `isRemovedHeader` are gone: the same on every
 * engine. `address`: the peer's, without a port. The identity is that of who the call is made for. A caller who is not known has none of the identity's.
 */
export function upstreamHeaders(
  permit: Permit,
  requestId: string,
  address: string,
): readonly (readonly [name: string, value: string])[] {
  const { identity, relayed, assertion } = permit.fields;
  const headers: [string, string][] = [
    [requestIdHeader, requestId],
    [forwardedForHeader, address],
  ];
  if (identity === undefined) return headers;
  const { subject, issuer } = relayed?.origin ?? identity;
  headers.push([subjectHeader, headerText(subject)], [issuerHeader, headerText(issuer)]);
  if (assertion !== undefined) headers.push([assertionHeader, assertion]);
  if (relayed !== undefined) headers.push([chainHeader, relayed.texts.join(',')]);
  return headers;
}
