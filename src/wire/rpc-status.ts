/** What `google.rpc.Status` says of a refused call beside its code and message (google/rpc/status.proto, error_details.proto). */
export interface RpcStatus {
  readonly code: number;
  /** As in `grpc-message`, not encoded: clients take a status whose message is another for none. */
  readonly message: string;
  /** Of the `ErrorInfo`. */
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Makes a `RetryInfo`. */
  readonly retryAfterSeconds?: number | undefined;
}

/** The bytes of a `google.rpc.Status` with an `ErrorInfo`, fields in the order of their numbers. `lua/details.lua` writes the same. */
export function rpcStatusBytes({ code, message, reason, domain, metadata, retryAfterSeconds }: RpcStatus): Buffer {
  const entries = Object.entries(metadata).map(([key, value]) => field(3, field(1, key), field(2, value)));
  const details = [any('ErrorInfo', field(1, reason), field(2, domain), ...entries)];
  if (retryAfterSeconds !== undefined) details.push(any('RetryInfo', field(1, number(1, retryAfterSeconds))));
  return Buffer.concat([number(1, code), field(2, message), ...details.map((detail) => field(3, detail))]);
}

/** A `google.protobuf.Any`. */
function any(name: string, ...value: readonly Buffer[]): Buffer {
  return Buffer.concat([field(1, `type.googleapis.com/google.rpc.${name}`), field(2, ...value)]);
}

/** A length-delimited field. */
function field(tag: number, ...value: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(value.map((each) => Buffer.from(each)));
  return Buffer.concat([Buffer.of((tag << 3) | 2), varint(bytes.length), bytes]);
}

function number(tag: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(tag << 3), varint(value)]);
}

/** Of less than 2³¹. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}
