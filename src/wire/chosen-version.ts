import { FieldReader } from './protobuf-fields.ts';

/**
 * What is appended to a walked message so that another version runs: its ModelSpec once more, with this version and without the
 * one or the label that it had. A parser that merges a field which is there twice, as protobuf says, and one that takes the last
 * (protobufjs does) read the same. `spec`: that the walk has read. `version`: decimal digits, 0 to 2⁶³−1.
 */
export function chosenVersionBytes(spec: Uint8Array, version: string): Buffer {
  const reader = new FieldReader(spec);
  const fields: Uint8Array[] = [];
  for (let start = 0; reader.next(); start = reader.position) {
    const { number } = reader;
    reader.skip();
    if (number !== 2 && number !== 4) fields.push(spec.subarray(start, reader.position));
  }
  const value = varint(BigInt(version));
  fields.push(Buffer.from([0x12, value.length + 1, 0x08]), value);
  const bytes = Buffer.concat(fields);
  return Buffer.concat([Buffer.of(0x0a), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
