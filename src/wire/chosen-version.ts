import { frameHeadBytes, type TaskPlace } from './message-walk.ts';
import { FieldReader } from './protobuf-fields.ts';

/**
 * What is appended to a walked message so that another version runs: its ModelSpec once more, with this version and without the
 * one or the label that it had. A parser that merges a field which is there twice, as protobuf says, and one that takes the last
 * (protobufjs does) read the same. `spec`: that the walk has read. `version`: decimal digits, 0 to 2⁶³−1.
 */
export function chosenVersionBytes(spec: Uint8Array, version: string): Buffer {
  return field(specOf(spec, version));
}

/**
 * A walked message of inference tasks, with another version in each of them: tasks are a list, so nothing can be appended to say so.
 * `held`: the body from its frame's head on, all of it or its beginning, within which every task ends. `tasks`: where the walk found
 * them. Returns these bytes anew, the frame's length corrected for what was put in; what follows them stays as it is.
 */
export function tasksWithVersion(held: Buffer, tasks: readonly TaskPlace[], version: string): Buffer {
  const head = Buffer.from(held.subarray(0, frameHeadBytes));
  const pieces: Uint8Array[] = [head];
  let copied = frameHeadBytes;
  for (const { start, from, to } of tasks) {
    pieces.push(held.subarray(copied, start), field(taskOf(held.subarray(from, to), version)));
    copied = to;
  }
  pieces.push(held.subarray(copied));
  const whole = Buffer.concat(pieces);
  whole.writeUInt32BE(head.readUInt32BE(1) + whole.length - held.length, 1);
  return whole;
}

function taskOf(task: Uint8Array, version: string): Buffer {
  const reader = new FieldReader(task);
  const fields: Uint8Array[] = [];
  for (let start = 0; reader.next(); start = reader.position) {
    if (reader.number === 1) {
      fields.push(field(specOf(reader.bytes(), version)));
      continue;
    }
    reader.skip();
    fields.push(task.subarray(start, reader.position));
  }
  return Buffer.concat(fields);
}

function specOf(spec: Uint8Array, version: string): Buffer {
  const reader = new FieldReader(spec);
  const fields: Uint8Array[] = [];
  for (let start = 0; reader.next(); start = reader.position) {
    const { number } = reader;
    reader.skip();
    if (number !== 2 && number !== 4) fields.push(spec.subarray(start, reader.position));
  }
  const value = varint(BigInt(version));
  return Buffer.concat([...fields, Buffer.from([0x12, value.length + 1, 0x08]), value]);
}

/** Field 1, length-delimited. */
function field(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x0a), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
