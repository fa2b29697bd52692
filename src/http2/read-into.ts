import type { Socket } from 'node:net';

/** What of a socket Node uses for `onread`, which it offers for sockets that connect but not for those that a server accepts. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

/**
 * Has a socket read into memory that is used again and again, instead of 64 kB that are allocated for each read: they cost a full
 * collection of garbage for each 64 MB that pass. What is told is valid only until `then` returns. Where this Node doesn't have what it
 * takes, and over TLS, it reads as sockets do.
 */
export function readInto(socket: Socket, buffer: Buffer, then: (chunk: Buffer) => void): void {
  const [bufferKey, callbackKey, generatorKey] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name),
  );
  const handle = handleOf(socket);
  const isKnown = bufferKey !== undefined && callbackKey !== undefined && generatorKey !== undefined;
  // A socket over TLS decrypts into memory of its own.
  if (!isKnown || handle === undefined || 'encrypted' in socket) {
    socket.on('data', then);
    return;
  }
  Object.assign(socket, {
    [bufferKey]: buffer,
    [generatorKey]: null,
    [callbackKey]: (bytes: number): boolean => {
      then(bytes === buffer.length ? buffer : buffer.subarray(0, bytes));
      return true;
    },
  });
  handle.useUserBuffer(buffer);
  // What came before, and was put back; not at once, because whoever asks is still being made.
  const before: Buffer | null = socket.read();
  if (before !== null) process.nextTick(then, before);
  socket.resume();
}

function handleOf(socket: Socket): Handle | undefined {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  if (typeof handle !== 'object' || handle === null) return undefined;
  return 'useUserBuffer' in handle && typeof handle.useUserBuffer === 'function' ? (handle as Handle) : undefined;
}
