import { readFileSync } from 'node:fs';
import { createServer as createHttp1, type Server as Http1Server, type IncomingMessage } from 'node:http';
import {
  createServer as createHttp2,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
} from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { AddressPlan, ListenerPlan } from '../../plan/types.ts';
import {
  headerBytesMax,
  headerCountMax,
  keepAliveTimeoutMs,
  requestHeadTimeoutMs,
  targetBytesMax,
} from '../../std/limits.ts';
import type { Outgoing } from './proxy.ts';
import type { Incoming } from './request.ts';

export type OnCall = (incoming: Incoming, outgoing: Outgoing) => void;

export interface Listening {
  readonly address: AddressPlan;
  /** Stops accepting; resolves when every connection has ended. */
  close(): Promise<void>;
  /** Ends what is still there. */
  destroy(): void;
}

/** First bytes of HTTP/2 (RFC 9113, section 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const http1Options = {
  maxHeaderSize: 2 * (headerBytesMax + targetBytesMax),
  headersTimeout: requestHeadTimeoutMs,
  keepAliveTimeout: keepAliveTimeoutMs,
  requireHostHeader: true,
  insecureHTTPParser: false,
};

/** Listens for HTTP/1.1 and h2c on one cleartext port, or for both by ALPN over TLS. */
export async function openListener(plan: ListenerPlan, address: AddressPlan, onCall: OnCall): Promise<Listening> {
  const server = plan.tls === undefined ? cleartext(onCall) : secure(plan.tls, onCall);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, reusePort: true }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: address.host, port },
    close: () => new Promise((resolve) => server.close(() => resolve())),
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function http1Server(onCall: OnCall): Http1Server {
  const server = createHttp1(http1Options, onCall);
  server.maxHeadersCount = 2 * headerCountMax;
  return server;
}

/** The same for HTTP/2: its compatibility API has every member that we use. */
function imitated(onCall: OnCall): (incoming: Http2ServerRequest | IncomingMessage, outgoing: object) => void {
  return (incoming, outgoing) => onCall(incoming, outgoing as Outgoing);
}

/** Looks at the first bytes of a connection and hands it to the server that speaks it. */
function cleartext(onCall: OnCall): Server {
  const [http1, http2] = [http1Server(onCall), createHttp2({}, imitated(onCall))];
  return createServer({ noDelay: true }, (socket) => sniff(socket, http1, http2));
}

function sniff(socket: Socket, http1: Http1Server, http2: Http2Server): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), requestHeadTimeoutMs);
  socket.once('close', () => clearTimeout(timer)).on('error', () => socket.destroy());
  const look = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const alike = seen.subarray(0, length).equals(preface.subarray(0, length));
    if (alike && length < preface.length) return;
    clearTimeout(timer);
    socket.off('readable', look);
    socket.unshift(seen);
    (alike ? http2 : http1).emit('connection', socket);
  };
  socket.on('readable', look);
}

function secure(files: NonNullable<ListenerPlan['tls']>, onCall: OnCall): Http2SecureServer {
  const [cert, key] = [readFileSync(files.certificate), readFileSync(files.key)];
  return createSecureServer({ cert, key, allowHTTP1: true, minVersion: 'TLSv1.2', ...http1Options }, imitated(onCall));
}
