/** A method, as a descriptor set declares it. */
export interface DescribedMethod {
  /** `acme.orders.v1.Orders/Get` */
  readonly name: string;
  /** By its `idempotency_level`: NO_SIDE_EFFECTS or IDEMPOTENT. */
  readonly idempotent: boolean;
  /** Who sends a stream of messages in place of one. */
  readonly streaming: 'no' | 'client' | 'server' | 'both';
}

export interface DescriptorSet {
  /** In the order of the files. */
  readonly methods: readonly DescribedMethod[];
  /** Files that others import, and that are not in the set. */
  readonly missing: readonly { readonly file: string; readonly importedBy: string }[];
}

/** Why bytes are no descriptor set: a clause. */
export class DescriptorError extends Error {
  override readonly name = 'DescriptorError';
}

/**
 * The services in a `google.protobuf.FileDescriptorSet`, as `protoc --descriptor_set_out` and `buf build` write it. Messages and
 * options are passed over. Throws `DescriptorError`. Source: google/protobuf/descriptor.proto.
 */
export function readDescriptorSet(bytes: Uint8Array): DescriptorSet {
  const files = valuesOf(bytes, 1).map(readFile);
  if (files.length === 0) throw new DescriptorError('it holds no file');
  const names = new Set(files.map(({ name }) => name));
  const methods = files.flatMap((file) => file.methods);
  const seen = new Set<string>();
  for (const { name } of methods) {
    if (seen.has(name)) throw new DescriptorError(`it declares ${name} twice`);
    seen.add(name);
  }
  const missing = files.flatMap(({ name, imports }) =>
    imports.filter((file) => !names.has(file)).map((file) => ({ file, importedBy: name })),
  );
  return { methods, missing };
}

interface DescribedFile {
  readonly name: string;
  readonly imports: readonly string[];
  readonly methods: readonly DescribedMethod[];
}

function readFile(bytes: Uint8Array): DescribedFile {
  const fields = fieldsOf(bytes);
  const path = textIn(fields, 2);
  const services = bytesIn(fields, 6).map((service) => readService(service, path === '' ? '' : `${path}.`));
  const name = textIn(fields, 1);
  if (name === '') throw new DescriptorError('one of its files has no name');
  return { name, imports: bytesIn(fields, 3).map(textOf), methods: services.flat() };
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

function readService(bytes: Uint8Array, prefix: string): readonly DescribedMethod[] {
  const fields = fieldsOf(bytes);
  const service = `${prefix}${textIn(fields, 1)}`;
  if (!service.split('.').every((part) => identifier.test(part))) throw new DescriptorError('a service has no name');
  return bytesIn(fields, 2).map((method) => readMethod(method, service));
}

/** `google.protobuf.MethodOptions.IdempotencyLevel`: NO_SIDE_EFFECTS, IDEMPOTENT. */
const repeatable: readonly number[] = [1, 2];

function readMethod(bytes: Uint8Array, service: string): DescribedMethod {
  const fields = fieldsOf(bytes);
  const name = textIn(fields, 1);
  if (!identifier.test(name)) throw new DescriptorError(`a method of ${service} has no name`);
  const client = numberIn(fields, 5) !== 0;
  const server = numberIn(fields, 6) !== 0;
  const level = numberIn(bytesIn(fields, 4).flatMap(fieldsOf), 34);
  return {
    name: `${service}/${name}`,
    idempotent: repeatable.includes(level),
    streaming: client ? (server ? 'both' : 'client') : server ? 'server' : 'no',
  };
}

interface Field {
  readonly number: number;
  /** Of a length-delimited field its bytes; of a varint its lowest 32 bits; nothing of others. */
  readonly value: Uint8Array | number | undefined;
}

function valuesOf(bytes: Uint8Array, number: number): readonly Uint8Array[] {
  return bytesIn(fieldsOf(bytes), number);
}

function bytesIn(fields: readonly Field[], number: number): readonly Uint8Array[] {
  return fields.flatMap((field) => {
    if (field.number !== number) return [];
    if (!(field.value instanceof Uint8Array)) throw new DescriptorError('a field is of another kind');
    return [field.value];
  });
}

/** The last one counts; `''`: there is none. */
function textIn(fields: readonly Field[], number: number): string {
  const last = bytesIn(fields, number).at(-1);
  return last === undefined ? '' : textOf(last);
}

function numberIn(fields: readonly Field[], number: number): number {
  const last = fields.findLast((field) => field.number === number)?.value ?? 0;
  if (typeof last !== 'number') throw new DescriptorError('a field is of another kind');
  return last;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new DescriptorError('a name is not UTF-8');
  }
}

/** Fields of a message, one after the other. Whoever writes descriptors is not told apart from whoever writes the policy: no bound but the file's. */
function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) break;
      at += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new DescriptorError('it ends within a field');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new DescriptorError('it ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = tag >>> 3;
    const kind = tag & 7;
    if (number === 0) throw new DescriptorError('it is no message of Protocol Buffers');
    if (kind === 0) fields.push({ number, value: varint() });
    else if (kind === 2) fields.push({ number, value: take(varint()) });
    else if (kind === 1 || kind === 5) take(kind === 1 ? 8 : 4);
    else throw new DescriptorError('it is no message of Protocol Buffers');
  }
  return fields;
}
