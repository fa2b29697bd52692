import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { predictModel } from './request.ts';

export const grpcPath = '/tensorflow.serving.PredictionService/Predict';

/** Sizes of the tensor in a message, as figures name them; calls in flight on each of four connections. */
export const grpcSizes = [
  { name: '1kB', bytes: 1000, streams: 8 },
  { name: '16kB', bytes: 16_000, streams: 8 },
  { name: '150kB', bytes: 150_000, streams: 4 },
  { name: '4MB', bytes: 4_000_000, streams: 2 },
] as const;

export type GrpcSize = (typeof grpcSizes)[number];

/** A PredictRequest in its frame, as TensorFlow Serving's own clients write it, into a file. */
export function writeMessage(folder: string, { name, bytes }: GrpcSize): string {
  const spec = field(1, field(1, predictModel), field(3, 'serving_default'));
  const shape = field(2, field(2, Buffer.of(8), varint(bytes / 4)));
  const tensor = field(2, Buffer.of(8, 1), shape, field(4, randomBytes(bytes)));
  const message = Buffer.concat([spec, field(2, field(1, 'instances'), tensor), field(3, 'scores')]);
  const file = join(folder, `${name}.grpc`);
  writeFileSync(file, framed(message));
  return file;
}

/** What the upstream answers: twelve bytes of a message. */
export const grpcAnswer: Buffer = framed(field(1, field(2, 'scores01')));

/** A message in its frame. */
export function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function field(number: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.of(number * 8 + 2), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
