import type { EventEmitter } from 'node:events';
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MetadataValue,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { type Kind, servicePath } from './streams-server.ts';

const itself = (bytes: Buffer): Buffer => bytes;

/** How a call ended, as the client was told. */
export interface Ended {
  readonly code: number;
  readonly details: string;
  readonly initial: Metadata | undefined;
  readonly trailing: Metadata;
  readonly messages: readonly Buffer[];
}

type AnyClientCall =
  | ClientUnaryCall
  | ClientReadableStream<Buffer>
  | ClientWritableStream<Buffer>
  | ClientDuplexStream<Buffer, Buffer>;

/** A call of grpc-js that is on its way. */
export interface JsCall {
  /** Messages that have come so far. */
  readonly messages: readonly Buffer[];
  readonly ended: Promise<Ended>;
  write(message: Buffer): void;
  end(): void;
  cancel(): void;
  /** Of those whose answer is a stream: takes no more, and goes on. */
  pause(): void;
  resume(): void;
}

/** Names with one value or more; the values of names that end in `-bin` are bytes. */
export type Fields = Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;

export interface JsCallOptions {
  readonly fields?: Fields;
  readonly timeoutMs?: number;
  /** The one message of Unary and Download. */
  readonly message?: Buffer;
}

/** One connection of grpc-js. */
export class JsClient implements Disposable {
  readonly #client: Client;
  readonly #fields: Fields;

  /** `fields` go with every call. */
  constructor(port: number, fields: Fields, options: ChannelOptions & { readonly tls?: ChannelCredentials } = {}) {
    const { tls = credentials.createInsecure(), ...rest } = options;
    this.#client = new Client(`localhost:${port}`, tls, {
      ...{ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 },
      ...{ 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1 },
      ...rest,
    });
    this.#fields = fields;
  }

  call(kind: Kind, { fields = {}, timeoutMs, message = Buffer.from('hello') }: JsCallOptions = {}): JsCall {
    const metadata = metadataOf({ ...this.#fields, ...fields });
    const options: CallOptions = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    const path = `/${servicePath}/${kind}`;
    const messages: Buffer[] = [];
    const answered = (_fault: ServiceError | null, value?: Buffer): void => {
      if (value !== undefined) messages.push(value);
    };
    const client = this.#client;
    let call: AnyClientCall;
    if (kind === 'Unary') call = client.makeUnaryRequest(path, itself, itself, message, metadata, options, answered);
    else if (kind === 'Upload')
      call = client.makeClientStreamRequest(path, itself, itself, metadata, options, answered);
    else if (kind === 'Download')
      call = client.makeServerStreamRequest(path, itself, itself, message, metadata, options);
    else call = client.makeBidiStreamRequest(path, itself, itself, metadata, options);
    return followed(call, messages);
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function followed(call: AnyClientCall, messages: Buffer[]): JsCall {
  let initial: Metadata | undefined;
  const events: EventEmitter = call;
  events.on('metadata', (found: Metadata) => {
    initial = found;
  });
  events.on('error', () => undefined);
  if ('read' in call) events.on('data', (message: Buffer) => messages.push(message));
  const ended = new Promise<Ended>((resolve) => {
    events.on('status', ({ code, details, metadata }: StatusObject) =>
      // The message of a call with one answer is told after its status.
      setImmediate(() => resolve({ code, details, initial, trailing: metadata, messages })),
    );
  });
  return {
    messages,
    ended,
    write: (message) => void ('write' in call && call.write(message)),
    end: () => void ('end' in call && call.end()),
    cancel: () => call.cancel(),
    pause: () => void ('pause' in call && call.pause()),
    resume: () => void ('resume' in call && call.resume()),
  };
}

function metadataOf(fields: Fields): Metadata {
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(fields)) {
    const list: readonly MetadataValue[] = Array.isArray(values) ? values : [values as MetadataValue];
    for (const value of list) metadata.add(name, value);
  }
  return metadata;
}
