import { join } from 'node:path';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import type { NamedModel } from '../../src/wire/index.ts';

const root = join(import.meta.dirname, '..', '..');
const walked = loadSync('walked.proto', {
  keepCase: true,
  longs: String,
  defaults: false,
  oneofs: false,
  includeDirs: [join(import.meta.dirname, 'proto'), join(root, 'demo', 'proto')],
})['headgate.test.Walked'] as ServiceDefinition;

interface ParsedSpec {
  readonly name?: string;
  readonly version?: { readonly value?: string };
  readonly version_label?: string;
}

interface Parsed {
  readonly model_spec?: ParsedSpec;
  readonly tasks?: readonly { readonly model_spec?: ParsedSpec }[];
}

/** What a real protobuf parser (protobufjs) takes a message to be for; of several tasks each. Throws where it can't be parsed. */
export function parsedModels(message: Uint8Array, method: 'Predict' | 'MultiInference'): readonly NamedModel[] {
  const parsed = definition(method).requestDeserialize(Buffer.from(message)) as Parsed;
  const specs = method === 'Predict' ? [parsed.model_spec] : (parsed.tasks ?? []).map(({ model_spec }) => model_spec);
  return specs.map(namedBy);
}

/** The message as a real protobuf library writes it. */
export function encoded(value: object, method: 'Predict' | 'MultiInference' = 'Predict'): Buffer {
  return definition(method).requestSerialize(value);
}

function definition(method: string): MethodDefinition<object, object> {
  const found = walked[method];
  if (found === undefined) throw new Error(`no method ${method}`);
  return found as MethodDefinition<object, object>;
}

function namedBy(spec: ParsedSpec | undefined): NamedModel {
  return {
    ...(spec?.name && { model: spec.name }),
    ...(spec?.version && { version: spec.version.value ?? '0' }),
    ...(spec?.version_label !== undefined && { label: spec.version_label }),
  };
}
