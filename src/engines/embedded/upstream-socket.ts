import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** Requests up to this size leave as one string. */
const joinedBytesMax = 16_384;

/**
 * What undici connects with: sockets that cost less for small messages. They read into one buffer of the thread's, so that an answer
 * of 200 bytes isn't a block of 64 kB that is made, shrunk and collected; and a small request, which undici writes as head and body,
 * leaves as one string.
 */
export function connectorOf(connectMs: number): buildConnector.connector {
  const reading = { onread: { buffer: readInto, callback: take } };
  const connect = buildConnector({ timeout: connectMs, ...reading } as Parameters<typeof buildConnector>[0]);
  return (options, callback) =>
    connect(options, (...answer) => {
      if (answer[0] === null) joinWrites(answer[1]);
      callback(...answer);
    });
}

const readInto = Buffer.allocUnsafeSlow(65_536);

/** INVARIANT: what was read is copied before anything else is. */
function take(this: Socket, bytes: number, buffer: Buffer): boolean {
  const copy = Buffer.allocUnsafe(bytes);
  buffer.copy(copy, 0, 0, bytes);
  return this.push(copy);
}

interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

type Done = (error?: Error | null) => void;

function joinWrites(socket: Socket): void {
  const writeAll = socket._writev as (chunks: readonly Chunk[], done: Done) => void;
  socket._writev = (chunks: readonly Chunk[], done: Done): void => {
    const text = joined(chunks);
    if (text === undefined) writeAll.call(socket, chunks, done);
    else socket._write(text, 'latin1', done);
  };
}

/** Of a head and a body, each a byte a character: latin1 keeps every one. */
function joined([head, body, third]: readonly Chunk[]): string | undefined {
  if (typeof head?.chunk !== 'string' || head.encoding !== 'latin1') return undefined;
  if (!Buffer.isBuffer(body?.chunk) || third !== undefined) return undefined;
  if (head.chunk.length + body.chunk.length > joinedBytesMax) return undefined;
  return head.chunk + body.chunk.toString('latin1');
}
