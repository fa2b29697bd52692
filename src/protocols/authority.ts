/** Longest host name with its port that is looked at. DNS ends at 253 octets. */
const authorityBytesMax = 300;
const name = /^([a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?$/i;

/**
 * Host of a raw Host field or `:authority`, lower case and without its port; undefined where it is malformed: empty,
 * with user information, escapes, an empty port, or anything that isn't a DNS name, an IPv4 or a bracketed IPv6 address.
 * Stricter than RFC 3986, section 3.2.2, which also lets escapes and sub-delimiters stand in a host.
 */
export function hostOf(authority: string): string | undefined {
  if (authority.length > authorityBytesMax) return undefined;
  const match = name.exec(authority);
  if (match === null) return undefined;
  const port = match[3];
  if (port !== undefined && Number(port) > 65_535) return undefined;
  return match[1]?.toLowerCase();
}
