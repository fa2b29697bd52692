import { readFileSync } from 'node:fs';
import {
  createServer as createHttp1,
  type Server as Http1Server,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import {
  createServer as createHttp2,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { AddressPlan, ListenerPlan } from '../../plan/types.ts';
import { headerCountMax, keepAliveTimeoutMs, requestHeadTimeoutMs } from '../../std/limits.ts';
import { breakCalls, reasonOfClientError, refuseBare } from './bad-request.ts';
import { Call } from './call.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { parsedHeadBytesMax, requestTimeoutMs, silentConnectionMs, streamsMax } from './limits.ts';
import type { Scene } from './scene.ts';
import { sniff } from './sniff.ts';

export interface Listening {
  readonly plan: ListenerPlan;
  readonly address: AddressPlan;
  /** Stops accepting and ends connections as they fall idle; resolves when the last has ended. */
  close(): Promise<void>;
  /** Ends what is still there. */
  destroy(): void;
}

/** While a listener closes, it looks this often for connections that have fallen idle. */
const idleLookMs = 50;

/** What is open on one listener. */
interface Connections {
  readonly all: Set<Socket>;
  /** Have not said yet which version they speak. */
  readonly waiting: Set<Socket>;
  readonly sessions: Set<ServerHttp2Session>;
}

/** A connection of HTTP/1, with the calls on it that are not over. */
interface Connection extends Socket {
  headgateCalls?: Set<Call>;
  headgateAddress?: string;
}

const http1Options: ServerOptions = {
  maxHeaderSize: parsedHeadBytesMax,
  headersTimeout: requestHeadTimeoutMs,
  requestTimeout: requestTimeoutMs,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: keepAliveTimeoutMs,
  noDelay: true,
  // The gate says what a missing Host is, in the same words as every engine.
  requireHostHeader: false,
  insecureHTTPParser: false,
};

/**
 * Listens for HTTP/1.1 and h2c on one cleartext port, or for both by ALPN over TLS. The http server itself listens, and what looks
 * at first bytes (or at ALPN) stands in front of its own listener: a server that doesn't listen never checks its timeouts.
 */
export async function openListener(scene: Scene, plan: ListenerPlan, address: AddressPlan): Promise<Listening> {
  const connections: Connections = { all: new Set(), waiting: new Set(), sessions: new Set() };
  const http2 = http2Server(scene, plan.name, connections.sessions);
  const server =
    plan.tls === undefined ? createHttp1(http1Options) : createHttps({ ...http1Options, ...tlsOptions(plan.tls) });
  serveHttp1(server, scene, plan.name);
  divide(server, http2, { isTls: plan.tls !== undefined, connections });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, reusePort: true }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    plan,
    address: { host: address.host, port },
    close: () => closeGently(server, connections),
    destroy: () => {
      for (const socket of connections.all) socket.destroy();
    },
  };
}

function tlsOptions(files: NonNullable<ListenerPlan['tls']>): object {
  return {
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: requestHeadTimeoutMs,
  };
}

/** Puts the choice between the two versions in front of the http1 server's own listener for connections. */
function divide(
  server: Http1Server,
  http2: Http2Server,
  { isTls, connections: { all, waiting } }: { readonly isTls: boolean; readonly connections: Connections },
): void {
  const event = isTls ? 'secureConnection' : 'connection';
  const [own] = server.listeners(event) as ((this: Http1Server, socket: Socket) => void)[];
  if (own === undefined) throw new Error(`this Node's http server has no listener of its own for ${event}`);
  server.removeAllListeners(event);
  const servers = {
    http1: (socket: Socket) => {
      waiting.delete(socket);
      own.call(server, socket);
    },
    http2: (socket: Socket) => {
      waiting.delete(socket);
      http2.emit('connection', socket);
    },
  };
  server.on(event, (socket: Socket & { alpnProtocol?: string | false }) => {
    all.add(socket);
    waiting.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      waiting.delete(socket);
    });
    if (!isTls) sniff(socket, servers, requestHeadTimeoutMs);
    else if (socket.alpnProtocol === 'h2') servers.http2(socket);
    else servers.http1(socket);
  });
}

function serveHttp1(server: Http1Server, scene: Scene, listener: string): void {
  server.maxHeadersCount = 10 * headerCountMax;
  server.timeout = silentConnectionMs;
  const serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const socket = request.socket as Connection;
    const address = socket.headgateAddress ?? addressOf(socket);
    const call = new Call(scene, listener, new Http1Exchange(request, response, { address, expectsContinue }));
    const calls = socket.headgateCalls ?? follow(socket);
    for (const before of calls) if (before.isEnding) calls.delete(before);
    calls.add(call);
    call.start();
  };
  server.on('request', (request, response) => serve(request, response, false));
  server.on('checkContinue', (request, response) => serve(request, response, true));
  server.on('checkExpectation', (request, response) => serve(request, response, false));
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const { method = '', url: target = '' } = request;
    const reason = request.headers.host === undefined ? 'request-malformed' : 'path-not-canonical';
    refuseBare(scene, socket, { listener, address: addressOf(socket), method, target, reason });
  });
  server.on('clientError', (error: Error, socket: Connection) => {
    const reason = reasonOfClientError(error);
    if (reason === undefined) return void socket.destroy();
    const calls = socket.headgateCalls;
    if (calls !== undefined && breakCalls(calls, reason)) return;
    refuseBare(scene, socket, { listener, address: addressOf(socket), method: '', target: '', reason });
  });
}

/** Follows a connection: its calls hear when the client leaves. */
function follow(socket: Connection): Set<Call> {
  const calls = new Set<Call>();
  socket.headgateCalls = calls;
  socket.headgateAddress = addressOf(socket);
  socket.once('close', () => {
    for (const call of calls) call.left();
  });
  return calls;
}

function http2Server(scene: Scene, listener: string, sessions: Set<ServerHttp2Session>): Http2Server {
  const server = createHttp2({
    maxHeaderListPairs: 10 * headerCountMax,
    settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: parsedHeadBytesMax, enablePush: false },
  });
  server.on('stream', (stream: ServerHttp2Stream, _headers: object, _flags: number, raw: string[]) => {
    const call = new Call(scene, listener, new Http2Exchange(stream, raw, addressOf(stream.session?.socket)));
    stream.once('close', () => call.left());
    call.start();
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.setTimeout(silentConnectionMs, () => session.close());
    session.on('error', () => session.destroy());
  });
  server.on('sessionError', () => undefined);
  return server;
}

/** IP address of the peer, without the IPv4-in-IPv6 prefix. */
function addressOf(socket: { readonly remoteAddress?: string | undefined } | undefined): string {
  const address = socket?.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** Idle connections end at once, others with their last answer; h2 sessions are told to go. */
function closeGently(server: Http1Server, { waiting, sessions }: Connections): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => server.closeIdleConnections(), idleLookMs);
    server.close(() => {
      clearInterval(timer);
      resolve();
    });
    for (const socket of waiting) socket.destroy();
    for (const session of sessions) session.close();
  });
}
