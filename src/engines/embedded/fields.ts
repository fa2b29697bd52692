import { isRemovedHeader } from '../../gate/index.ts';
import { fieldNamesMax } from './limits.ts';

/** What one pass over the raw fields of a request finds. */
export class Fields {
  /** Fields that the upstream gets, before ours: name, value, name, value… Host is not among them. */
  readonly sent: string[] = [];
  host: string | undefined;
  hosts = 0;
  authorization: string | undefined;
  /** Fields that can carry a credential. */
  credentials = 0;
  /** Characters of all names and values. */
  size = 0;
  /** What conditions read, as a part of the key; each starts with a newline. */
  reads = '';
  length: string | undefined;
  isChunked = false;
  /** Coded for transfer in another way than by chunks alone. */
  isRecoded = false;
  traceparent: string | undefined;
  /** All of them, with commas in between. */
  acceptEncoding: string | undefined;
  grpcTimeout: string | undefined;
  /** Fields that this connection alone is about, besides those known by name. */
  connection: string | undefined;
}

const sent = 0;
const dropped = 1;
const host = 2;
const authorization = 4;
const proxyAuthorization = 8;
const connection = 16;
const traceparent = 32;
const contentLength = 64;
const transferEncoding = 128;
const read = 256;
const acceptEncoding = 512;
const grpcTimeout = 1024;
const special = 2047 - dropped;

/** RFC 9110, section 7.6.1, and what is answered or set anew here. */
const ofConnection = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]);

const marks: Readonly<Record<string, number>> = {
  host,
  authorization,
  'proxy-authorization': proxyAuthorization,
  connection,
  traceparent,
  'content-length': contentLength,
  'transfer-encoding': transferEncoding,
  'accept-encoding': acceptEncoding,
  'grpc-timeout': grpcTimeout,
};

/** Whether a field belongs to one connection only. `name` in lower case. */
export function isOfConnection(name: string): boolean {
  return ofConnection.has(name);
}

/** Reads raw fields; what a name means is worked out once. `reads`: lower-case names that conditions read. */
export class FieldReader {
  readonly #kinds = new Map<string, number>();
  readonly #reads: ReadonlySet<string>;

  constructor(reads: Iterable<string>) {
    this.#reads = new Set(reads);
  }

  read(raw: readonly string[]): Fields {
    const fields = new Fields();
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index] as string;
      const value = raw[index + 1] as string;
      fields.size += name.length + value.length;
      const kind = this.#kinds.get(name) ?? this.#kindOf(name);
      if ((kind & special) !== 0) note(fields, kind, name, value);
      if ((kind & dropped) === 0) fields.sent.push(name, value);
    }
    if (fields.connection !== undefined) dropNamed(fields.sent, fields.connection);
    return fields;
  }

  #kindOf(name: string): number {
    const lower = name.toLowerCase();
    const isDropped = lower === 'host' || ofConnection.has(lower) || isRemovedHeader(lower);
    const kind = (isDropped ? dropped : sent) | (marks[lower] ?? 0) | (this.#reads.has(lower) ? read : 0);
    if (this.#kinds.size < fieldNamesMax && name.length <= 64) this.#kinds.set(name, kind);
    return kind;
  }
}

function note(fields: Fields, kind: number, name: string, value: string): void {
  if ((kind & host) !== 0) {
    fields.host = value;
    fields.hosts += 1;
  }
  if ((kind & authorization) !== 0) {
    fields.authorization = value;
    fields.credentials += 1;
  }
  if ((kind & proxyAuthorization) !== 0) fields.credentials += 2;
  if ((kind & traceparent) !== 0) fields.traceparent ??= value;
  if ((kind & contentLength) !== 0) fields.length = value;
  if ((kind & transferEncoding) !== 0) {
    fields.isRecoded ||= fields.isChunked || value.toLowerCase() !== 'chunked';
    fields.isChunked = true;
  }
  if ((kind & connection) !== 0 && !/^(keep-alive|close)$/i.test(value))
    fields.connection = joined(fields.connection, value);
  if ((kind & acceptEncoding) !== 0) fields.acceptEncoding = joined(fields.acceptEncoding, value);
  if ((kind & grpcTimeout) !== 0) fields.grpcTimeout = joined(fields.grpcTimeout, value);
  if ((kind & read) !== 0) fields.reads += `\n${name.toLowerCase()}:${value}`;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}

/** Never what frames the message or names its host: a client can't have those taken away. */
function dropNamed(fields: string[], connectionValue: string): void {
  const names = new Set(connectionValue.split(',').map((name) => name.trim().toLowerCase()));
  for (const kept of ['host', 'content-length', 'content-type', 'traceparent']) names.delete(kept);
  let to = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const [name, value] = [fields[at] as string, fields[at + 1] as string];
    if (names.has(name.toLowerCase())) continue;
    fields[to] = name;
    fields[to + 1] = value;
    to += 2;
  }
  fields.length = to;
}

/** W3C Trace Context, version 00; neither id all zeros. */
const traceForm = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace id of a valid `traceparent`, else null. */
export function traceIdOf(value: string | undefined): string | null {
  return value === undefined ? null : (traceForm.exec(value)?.[1] ?? null);
}

/** Span and flags of a `traceparent` that has a trace id. */
export function spanOf(value: string): string {
  return value.slice(spanAt);
}

const spanAt = '00--'.length + 32;
