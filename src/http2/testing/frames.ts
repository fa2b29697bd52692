/** Frames as bytes, for what no library would send. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const settings: Buffer = frame(4, 0, 0);

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A header block of literals that enter no table. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer[] => [length(value.length), Buffer.from(value, 'latin1')];
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), ...text(name), ...text(value)]));
}

function length(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

export const post: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
];

/** HEADERS of a request, all of it. */
export function request(streamId: number, { isEnd = true, fields = post } = {}): Buffer {
  return frame(1, isEnd ? 5 : 4, streamId, block(fields));
}

export interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Splits what a peer has sent; what is not whole is left out. */
export function framesOf(bytes: Buffer): Seen[] {
  const found: Seen[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    const [type, flags] = [bytes[at + 3] as number, bytes[at + 4] as number];
    found.push({ type, flags, streamId, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return found;
}
