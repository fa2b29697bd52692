import type { EventEmitter } from 'node:events';
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';

/** The four kinds of calls. */
export const kinds = ['Unary', 'Upload', 'Download', 'Chat'] as const;
export type Kind = (typeof kinds)[number];

export const servicePath = 'acme.streams.v1.Streams';

/** What the server knows of one call. */
export interface ServedCall {
  readonly kind: Kind;
  readonly metadata: Metadata;
  /** `host:port` of the connection it came by. */
  readonly peer: string;
  /** When it was to end, as the server was told. Milliseconds since the epoch; undefined: never. */
  readonly deadlineMs: number | undefined;
  messages: number;
  bytes: number;
  /** Bytes of its own messages that it could write; it stops while the connection takes no more. */
  written: number;
  state: 'open' | 'cancelled' | 'ended';
}

export interface StreamsServer {
  readonly port: number;
  readonly calls: readonly ServedCall[];
  close(): void;
}

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

type Answer = Parameters<handleUnaryCall<Buffer, Buffer>>[1];

const itself = (bytes: Buffer): Buffer => bytes;

function definition(): ServiceDefinition {
  const method = (kind: Kind) => ({
    path: `/${servicePath}/${kind}`,
    requestStream: kind === 'Upload' || kind === 'Chat',
    responseStream: kind === 'Download' || kind === 'Chat',
    ...{ requestSerialize: itself, requestDeserialize: itself, responseSerialize: itself, responseDeserialize: itself },
  });
  return Object.fromEntries(kinds.map((kind) => [kind, method(kind)]));
}

/**
 * A server of grpc-js with a method of each kind. Messages are plain bytes; metadata says what it does:
 *   x-count, x-bytes   answers of Download, and bytes of each answer
 *   x-hold             `silent`: it answers nothing; `first`: Download and Chat send one message; then it waits to be left
 *   x-status           how it ends, with `grpc-status-details-bin` where `x-details-bin` came
 * What begins with `x-echo-` comes back in the initial metadata and again in the trailing one.
 */
export async function startStreamsServer(): Promise<StreamsServer> {
  const calls: ServedCall[] = [];
  const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  const handlers = handlersOf(calls);
  server.addService(definition(), { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (fault: Error | null, found: number): void => (fault === null ? resolve(found) : reject(fault));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
  return { port, calls, close: () => server.forceShutdown() };
}

function handlersOf(calls: ServedCall[]) {
  const unary: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
    const served = begun(calls, 'Unary', call);
    count(served, call.request);
    answerOnce(served, answer);
  };
  const upload: handleClientStreamingCall<Buffer, Buffer> = (call, answer) => {
    const served = begun(calls, 'Upload', call);
    call.on('data', (message: Buffer) => count(served, message));
    call.on('end', () => answerOnce(served, answer));
  };
  const download: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    const served = begun(calls, 'Download', call);
    count(served, call.request);
    void writeAll(served, call);
  };
  const chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    const served = begun(calls, 'Chat', call);
    if (holdOf(served) === 'first') call.write(Buffer.from('first'));
    call.on('data', (message: Buffer) => {
      count(served, message);
      if (holdOf(served) === '') call.write(message);
    });
    call.on('end', () => holdOf(served) === '' && endStream(served, call));
  };
  return { Unary: unary, Upload: upload, Download: download, Chat: chat };
}

function begun(calls: ServedCall[], kind: Kind, call: AnyCall): ServedCall {
  const deadline = call.getDeadline();
  const deadlineMs = Number(deadline);
  const served: ServedCall = {
    ...{ kind, metadata: call.metadata, peer: call.getPeer(), messages: 0, bytes: 0, written: 0, state: 'open' },
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : undefined,
  };
  calls.push(served);
  const events: EventEmitter = call;
  events.on('cancelled', () => {
    if (served.state === 'open') served.state = 'cancelled';
  });
  events.on('error', () => undefined);
  if (holdOf(served) !== 'silent') call.sendMetadata(echoOf(served));
  return served;
}

function count(served: ServedCall, message: Buffer): void {
  served.messages += 1;
  served.bytes += message.length;
}

function textOf({ metadata }: ServedCall, name: string): string {
  return String(metadata.get(name)[0] ?? '');
}

function holdOf(served: ServedCall): string {
  return textOf(served, 'x-hold');
}

function echoOf({ metadata }: ServedCall): Metadata {
  const echo = new Metadata();
  for (const name of Object.keys(metadata.getMap()).filter((each) => each.startsWith('x-echo-')))
    for (const value of metadata.get(name)) echo.add(name, value);
  return echo;
}

/** Undefined: it ends well. */
function faultOf(served: ServedCall): { code: number; details: string; metadata: Metadata } | undefined {
  const code = Number(textOf(served, 'x-status') || 0);
  if (code === 0) return undefined;
  const metadata = echoOf(served);
  const [details] = served.metadata.get('x-details-bin');
  if (details !== undefined) metadata.set('grpc-status-details-bin', details);
  return { code, details: 'as asked: ☺', metadata };
}

function answerOnce(served: ServedCall, answer: Answer): void {
  if (holdOf(served) !== '') return;
  served.state = served.state === 'open' ? 'ended' : served.state;
  const fault = faultOf(served);
  const size = Number(textOf(served, 'x-bytes') || 0);
  if (fault !== undefined) answer(fault);
  else
    answer(null, size > 0 ? Buffer.alloc(size, 7) : Buffer.from(`${served.messages} ${served.bytes}`), echoOf(served));
}

async function writeAll(served: ServedCall, call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  const hold = holdOf(served);
  if (hold === 'silent') return;
  const messages = hold === 'first' ? 1 : Number(textOf(served, 'x-count') || 3);
  const message = Buffer.alloc(Number(textOf(served, 'x-bytes') || 5), 7);
  for (let index = 0; index < messages && served.state === 'open'; index += 1) {
    const isTaken = call.write(message);
    served.written += message.length;
    if (!isTaken) await roomOrEnd(call);
  }
  if (hold === '') endStream(served, call);
}

function roomOrEnd(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done).off('cancelled', done);
      resolve();
    };
    call.on('drain', done).on('cancelled', done);
  });
}

function endStream(
  served: ServedCall,
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
): void {
  if (served.state !== 'open') return;
  served.state = 'ended';
  const fault = faultOf(served);
  if (fault === undefined) call.end(echoOf(served));
  else call.emit('error', fault);
}
