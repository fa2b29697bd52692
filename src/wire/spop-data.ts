import { isIPv4 } from 'node:net';
import { lengthPrefixed, SpopError, type SpopReader, varintBytes } from './spop-bytes.ts';

/** Typed data of SPOP (SPOE.txt, section 3.1). Texts are latin1: one character a byte, so that no byte is lost. */
export type SpopData =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'int32' | 'uint32' | 'int64' | 'uint64'; readonly value: bigint }
  | { readonly kind: 'ipv4' | 'ipv6'; readonly value: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'binary'; readonly value: Buffer };

const kinds = ['null', 'boolean', 'int32', 'uint32', 'int64', 'uint64', 'ipv4', 'ipv6', 'string', 'binary'] as const;

/** Reads one piece of typed data. */
export function readSpopData(reader: SpopReader): SpopData {
  const head = reader.byte();
  const kind = kinds[head & 0x0f];
  switch (kind) {
    case undefined:
      throw new SpopError('unknown type of data');
    case 'null':
      return { kind };
    case 'boolean':
      return { kind, value: (head & 0x10) !== 0 };
    case 'int32':
    case 'int64':
      return { kind, value: BigInt.asIntN(64, reader.varint()) };
    case 'uint32':
    case 'uint64':
      return { kind, value: reader.varint() };
    case 'ipv4':
      return { kind, value: [...reader.take(4)].join('.') };
    case 'ipv6':
      return { kind, value: ipv6Text(reader.take(16)) };
    case 'string':
      return { kind, value: reader.text() };
    case 'binary':
      return { kind, value: reader.bytes() };
    default:
      return kind satisfies never;
  }
}

/** Bytes of one piece of typed data. Throws `SpopError` for an address that is none. */
export function spopDataBytes(data: SpopData): Buffer {
  const head = kinds.indexOf(data.kind);
  switch (data.kind) {
    case 'null':
      return Buffer.from([head]);
    case 'boolean':
      return Buffer.from([head | (data.value ? 0x10 : 0)]);
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return Buffer.concat([Buffer.from([head]), varintBytes(data.value)]);
    case 'ipv4':
      return Buffer.from([head, ...ipv4Bytes(data.value)]);
    case 'ipv6':
      return Buffer.concat([Buffer.from([head]), ipv6Bytes(data.value)]);
    case 'string':
    case 'binary':
      return Buffer.concat([Buffer.from([head]), lengthPrefixed(data.value)]);
    default:
      return data satisfies never;
  }
}

function ipv4Bytes(text: string): number[] {
  if (!isIPv4(text)) throw new SpopError('not an IPv4 address');
  return text.split('.').map(Number);
}

/** RFC 5952 form, as Node writes the address of a peer. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right];
  if (groups.length !== 8 || groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group)))
    throw new SpopError('not an IPv6 address');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
