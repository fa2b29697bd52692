/** Writes protobuf by hand: also what no library would write. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? byte : byte | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

export function tag(number: number, type: number): Buffer {
  return varint(number * 8 + type);
}

/** A length-delimited field. */
export function bytesField(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([tag(number, 2), varint(value.length), value]);
}

export function varintField(number: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(number, 0), varint(value)]);
}

/** A gRPC frame around a message. */
export function frame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

export const modelName = (name: string): Buffer => bytesField(1, name);
export const modelVersion = (value: number | bigint): Buffer => bytesField(2, varintField(1, value));
export const modelLabel = (label: string): Buffer => bytesField(4, label);
/** A ModelSpec as field 1. */
export const modelSpec = (...fields: readonly Uint8Array[]): Buffer => bytesField(1, ...fields);
