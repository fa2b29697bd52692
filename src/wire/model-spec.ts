import { FieldError, FieldReader } from './protobuf-fields.ts';

/** What a message of TensorFlow Serving names. Absent: not named. Each is visible ASCII. */
export interface NamedModel {
  readonly model?: string;
  /** Decimal digits, 0 to 2⁶³−1. */
  readonly version?: string;
  readonly label?: string;
}

/** Visible ASCII: no honest name holds anything else, and so no engine has to know an encoding. */
const visible = /^[\x21-\x7e]+$/;
const versionMax = 9_223_372_036_854_775_807n;

/**
 * Reads a `tensorflow.serving.ModelSpec`: name = 1, version = 2 (Int64Value), signature_name = 3, version_label = 4. Throws
 * `FieldError` for whatever two parsers could read in two ways, and where no model is named.
 */
export function readModelSpec(bytes: Uint8Array): NamedModel {
  const reader = new FieldReader(bytes);
  let model: string | undefined;
  let version: string | undefined;
  let label: string | undefined;
  while (reader.next()) {
    if (reader.number === 1) {
      if (model !== undefined) throw new FieldError('message-ambiguous', 'name twice');
      model = text(reader.bytes(), 'name');
    } else if (reader.number === 2 || reader.number === 4) {
      if (version !== undefined || label !== undefined) throw new FieldError('message-ambiguous', 'version twice');
      if (reader.number === 2) version = readInt64Value(reader.bytes());
      else label = text(reader.bytes(), 'version_label');
    } else reader.skip();
  }
  if (model === undefined) throw new FieldError('message-malformed', 'no name of a model');
  return { model, ...(version !== undefined && { version }), ...(label !== undefined && { label }) };
}

/** Reads a `tensorflow.serving.InferenceTask`: model_spec = 1. Throws `FieldError`. */
export function readInferenceTask(bytes: Uint8Array): NamedModel {
  const reader = new FieldReader(bytes);
  let named: NamedModel | undefined;
  while (reader.next()) {
    if (reader.number !== 1) reader.skip();
    else if (named !== undefined) throw new FieldError('message-ambiguous', 'model_spec twice');
    else named = readModelSpec(reader.bytes());
  }
  if (named === undefined) throw new FieldError('message-malformed', 'no model_spec');
  return named;
}

/** `google.protobuf.Int64Value` as decimal digits; empty is 0. */
function readInt64Value(bytes: Uint8Array): string {
  const reader = new FieldReader(bytes);
  let value: bigint | undefined;
  while (reader.next()) {
    if (value !== undefined) throw new FieldError('message-ambiguous', 'version twice');
    if (reader.number !== 1) throw new FieldError('message-malformed', 'unknown field in a version');
    value = reader.varint();
  }
  if (value !== undefined && value > versionMax) throw new FieldError('message-malformed', 'negative version');
  return String(value ?? 0n);
}

function text(bytes: Uint8Array, what: string): string {
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (!visible.test(found)) throw new FieldError('message-malformed', `${what} is empty or not visible ASCII`);
  return found;
}
