import type { Socket } from 'node:net';

/** First bytes of HTTP/2 (RFC 9113, section 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface Servers {
  http1(socket: Socket): void;
  http2(socket: Socket): void;
}

/** Waits for the first bytes of a connection and hands it to the server that speaks it, as if nobody had looked. */
export function sniff(socket: Socket, servers: Servers, timeoutMs: number): void {
  let held: Buffer | undefined;
  const give = (server: (socket: Socket) => void): void => {
    socket.setTimeout(0);
    socket.off('timeout', end).off('error', end).off('readable', look);
    if (held !== undefined) socket.unshift(held);
    server(socket);
  };
  const look = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    held = held === undefined ? chunk : Buffer.concat([held, chunk]);
    const length = Math.min(held.length, preface.length);
    const isAlike = held.compare(preface, 0, length, 0, length) === 0;
    if (!isAlike) give(servers.http1);
    else if (length === preface.length) give(servers.http2);
  };
  const end = (): void => void socket.destroy();
  socket.setTimeout(timeoutMs);
  socket.on('timeout', end).on('error', end).on('readable', look);
}
