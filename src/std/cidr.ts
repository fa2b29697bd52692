import { isIPv4, isIPv6 } from 'node:net';

/** A range of addresses: as many leading bits of `bytes` (4 or 16 of them) as `bits` says. */
export interface Cidr {
  readonly bytes: readonly number[];
  readonly bits: number;
}

export type CidrFault = 'malformed' | 'host-bits' | 'mapped';

/** `10.0.0.0/8`, `2001:db8::/32`; an address alone is the range of one. What it can't be read as, says why (RFC 4632, RFC 4291). */
export function parseCidr(text: string): Cidr | { readonly fault: CidrFault } {
  const [, address = '', length] = /^([0-9A-Fa-f:.]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  if (!isIPv4(address) && !isIPv6(address)) return { fault: 'malformed' };
  const bytes = isIPv4(address) ? bytesOfIPv4(address) : bytesOfIPv6(address);
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (bits > bytes.length * 8) return { fault: 'malformed' };
  if (isMapped(bytes)) return { fault: 'mapped' };
  const cidr = { bytes, bits };
  return masked(cidr).every((byte, index) => byte === bytes[index]) ? cidr : { fault: 'host-bits' };
}

/** One text for each range: IPv6 as eight groups without leading zeros. With the bits of the host taken out. */
export function printCidr(cidr: Cidr): string {
  const bytes = masked(cidr);
  if (bytes.length === 4) return `${bytes.join('.')}/${cidr.bits}`;
  const groups = Array.from({ length: 8 }, (_, index) => groupAt(bytes, index).toString(16));
  return `${groups.join(':')}/${cidr.bits}`;
}

/** The range that a text with bits of a host stands in: `10.0.0.1/8` → `10.0.0.0/8`. */
export function enclosingCidr(text: string): string {
  const [address = '', length = ''] = text.split('/');
  return printCidr({ bytes: isIPv4(address) ? bytesOfIPv4(address) : bytesOfIPv6(address), bits: Number(length) });
}

/**
 * Bytes of the address of a peer; undefined: it is none. IPv4 in IPv6 (`::ffff:10.0.0.1`, as a listener for both sees it)
 * is IPv4, and a zone (`fe80::1%eth0`) is left out.
 */
export function addressBytes(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return bytesOfIPv4(text);
  const plain = text.split('%', 1)[0] ?? '';
  if (!isIPv6(plain)) return undefined;
  const bytes = bytesOfIPv6(plain);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** Whether an address, as `addressBytes` has it, is in a range. IPv4 is in no range of IPv6. */
export function isInCidr(address: readonly number[], { bytes, bits }: Cidr): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (address[index] !== bytes[index]) return false;
  const shift = 8 - (bits & 7);
  return shift === 8 || (address[whole] ?? 0) >> shift === (bytes[whole] ?? 0) >> shift;
}

function masked({ bytes, bits }: Cidr): readonly number[] {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff);
}

function bytesOfIPv4(text: string): readonly number[] {
  return text.split('.').map(Number);
}

function bytesOfIPv6(text: string): readonly number[] {
  const [head = '', tail] = text.split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const gap = tail === undefined ? [] : new Array<number>(16 - before.length - after.length).fill(0);
  return [...before, ...gap, ...after];
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return bytesOfIPv4(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function groupAt(bytes: readonly number[], index: number): number {
  return ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0);
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff));
}
