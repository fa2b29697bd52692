import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { bytesField, frame, modelLabel, modelName, modelSpec, modelVersion } from '../../support/protobuf-bytes.ts';

const hex = z.strictObject({ hex: z.string().regex(/^([0-9a-f]{2}| )*$/) });

/** A field of a ModelSpec, in the order of the bytes. */
const specField = z.union([
  z.strictObject({ name: z.string() }),
  z.strictObject({ version: z.union([z.number(), z.string()]) }),
  z.strictObject({ label: z.string() }),
  z.strictObject({ signature: z.string() }),
  hex,
]);
const spec = z.array(specField);

/** A field of a message: its ModelSpec, an inference task, a tensor of so many bytes (field 2), or bytes as they are. */
const part = z.union([
  z.strictObject({ spec }),
  z.strictObject({ task: z.array(spec) }),
  z.strictObject({ tensor: z.number() }),
  hex,
]);

/** What is wrong with the frame around it, or comes after. */
const framed = z.strictObject({
  flag: z.number().default(0),
  /** Added to the length that the frame says. */
  longer: z.number().default(0),
  /** Bytes that are left out at the end. */
  cut: z.number().default(0),
  after: z.string().default(''),
});

const named = z.strictObject({
  model: z.string().optional(),
  version: z.string().optional(),
  label: z.string().optional(),
});

const expectation = z.strictObject({
  grpcStatus: z.number(),
  /** Reason of the refusal. */
  code: z.string().optional(),
  rule: z.string().optional(),
  /** What a real parser of a replica took the message to be for; left out: no replica had it whole. */
  ran: z.array(named).optional(),
  /** Fields that the replica saw, or with `null` didn't. */
  saw: z.record(z.string(), z.string().nullable()).optional(),
  /** Members of the audit core. */
  audit: z.record(z.string(), z.unknown()).optional(),
});

const call = z.strictObject({
  as: z.string().optional(),
  /** `PredictionService/Predict`, or a whole path. */
  call: z.string().default('PredictionService/Predict'),
  message: z.array(part),
  frame: framed.optional(),
  /** Bytes of each piece that is sent by itself. */
  pieces: z.number().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  expect: expectation,
});

const file = z.strictObject({
  about: z.string(),
  policy: z.string(),
  /** `64MB` */
  body: z.string().optional(),
  callers: z.record(z.string(), z.strictObject({ client: z.string() })),
  cases: z.array(z.strictObject({ name: z.string(), calls: z.array(call) })),
});

export type GrpcCaseFile = z.infer<typeof file> & { readonly name: string };
export type GrpcCaseCall = z.infer<typeof call>;

/** Every file of gRPC cases in a folder. */
export function readGrpcCases(folder: string): GrpcCaseFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => {
    const read = file.safeParse(parse(readFileSync(join(folder, name), 'utf8')));
    if (!read.success) throw new Error(`${name}: ${z.prettifyError(read.error)}`);
    return { ...read.data, name: basename(name, '.yaml') };
  });
}

/** The path of a call. */
export function pathOf({ call: written }: GrpcCaseCall): string {
  return written.startsWith('/') ? written : `/tensorflow.serving.${written}`;
}

/** The bytes of a call, in the pieces in which they are sent. */
export function chunksOf(given: GrpcCaseCall): Buffer[] {
  const message = Buffer.concat(given.message.map(partBytes));
  const { flag = 0, longer = 0, cut = 0, after = '' } = given.frame ?? {};
  const whole = frame(message, flag, message.length + longer);
  const body = Buffer.concat([whole.subarray(0, whole.length - cut), bytesOf(after)]);
  const size = given.pieces ?? Math.max(1, body.length);
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => body.subarray(at * size, (at + 1) * size));
}

function partBytes(given: z.infer<typeof part>): Buffer {
  if ('spec' in given) return modelSpec(...given.spec.map(specBytes));
  if ('task' in given) return bytesField(1, ...given.task.map((each) => modelSpec(...each.map(specBytes))));
  if ('tensor' in given) return bytesField(2, Buffer.alloc(given.tensor, 7));
  return bytesOf(given.hex);
}

function specBytes(given: z.infer<typeof specField>): Buffer {
  if ('name' in given) return modelName(given.name);
  if ('version' in given) return modelVersion(BigInt(given.version));
  if ('label' in given) return modelLabel(given.label);
  if ('signature' in given) return bytesField(3, given.signature);
  return bytesOf(given.hex);
}

function bytesOf(written: string): Buffer {
  return Buffer.from(written.replace(/ /g, ''), 'hex');
}
