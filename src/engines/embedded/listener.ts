import { readFileSync } from 'node:fs';
import { createServer as createHttp1, type Server as Http1Server } from 'node:http';
import { createServer as createHttps, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { AddressPlan, ListenerPlan } from '../../plan/types.ts';
import { keepAliveTimeoutMs, requestHeadTimeoutMs } from '../../std/limits.ts';
import type { CertificateText } from '../engine.ts';
import { lastWordsMs, parsedHeadBytesMax, requestTimeoutMs } from './limits.ts';
import type { Scene } from './scene.ts';
import { endSilent, serveHttp1 } from './serve-http1.ts';
import { Http2Server } from './serve-http2.ts';
import { sniff } from './sniff.ts';

export interface Listening {
  readonly plan: ListenerPlan;
  readonly address: AddressPlan;
  /** Stops accepting and ends connections as they fall idle; resolves when the last has ended. */
  close(): Promise<void>;
  /** Ends calls over HTTP/2 that are still open, each with an answer that says why. */
  endCalls(): void;
  /** Ends what is still there. */
  destroy(): void;
  /** Of connections that come from now on. */
  setAge(age: ListenerPlan['connectionAge']): void;
  /** Of a TLS listener: for connections that come from now on. */
  setCertificate(text: CertificateText): void;
}

/** How long clients may take. Milliseconds. */
export interface Timeouts {
  /** For the head of a request, and for a connection to say which version it speaks. */
  readonly headMs: number;
  /** For a whole request. */
  readonly requestMs: number;
  /** Between two movements on an idle connection; twice as long while a call is on its way. */
  readonly silenceMs: number;
  /** How often the first two are looked at. */
  readonly lookMs: number;
}

const defaults: Timeouts = {
  headMs: requestHeadTimeoutMs,
  requestMs: requestTimeoutMs,
  silenceMs: keepAliveTimeoutMs,
  lookMs: 1000,
};

/** While a listener closes, it looks this often for connections that have fallen idle. */
const idleLookMs = 50;
/** And waits this long for the first bytes of connections that have sent none. */
const firstBytesMs = 500;

/** What is open on one listener. */
interface Connections {
  readonly all: Set<Socket>;
  /** Have not said yet which version they speak. */
  readonly waiting: Set<Socket>;
}

export interface ListenerOptions {
  readonly plan: ListenerPlan;
  /** Where to listen: the Plan's address, or the port that another thread has got there. */
  readonly address: AddressPlan;
  /** Listens on this unix socket instead. */
  readonly path?: string;
  /** Descriptor of a socket that listens already, in place of the address. */
  readonly socket?: number | undefined;
  readonly timeouts?: Timeouts;
}

/**
 * Listens for HTTP/1.1 and h2c on one cleartext port, or for both by ALPN over TLS. The http server itself listens, and what looks
 * at first bytes (or at ALPN) stands in front of its own listener: a server that doesn't listen never checks its timeouts.
 */
export async function openListener(scene: Scene, options: ListenerOptions): Promise<Listening> {
  const { plan, address, path, socket, timeouts = defaults } = options;
  const connections: Connections = { all: new Set(), waiting: new Set() };
  const server = http1Server(plan, timeouts);
  serveHttp1(server, scene, plan.name);
  const http2 = new Http2Server(scene, {
    listener: plan.name,
    silenceMs: 2 * timeouts.silenceMs,
    isCarrier: path !== undefined,
  });
  http2.age = plan.connectionAge;
  if (plan.tls === undefined) divideByPreface(server, { http2, connections, timeouts });
  else divideByAlpn(server, { http2, connections, timeouts });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const { host, port } = address;
    const where =
      path !== undefined ? { path } : socket === undefined ? { host, port, reusePort: true } : { fd: socket };
    server.listen(where, resolve);
  });
  const listened = path === undefined ? (server.address() as AddressInfo) : address;
  const bound = 'address' in listened ? listened.address : listened.host;
  const { port } = listened;
  let closing: Promise<void> | undefined;
  return {
    plan,
    address: { host: socket === undefined ? address.host : bound, port },
    close: () => {
      closing ??= closeGently(server, { http2, connections });
      return closing;
    },
    endCalls: () => http2.endCalls(),
    setAge: (age) => {
      http2.age = age;
    },
    destroy: () => {
      for (const socket of connections.all) socket.destroy();
    },
    setCertificate({ certificate, key }) {
      if (server instanceof HttpsServer) server.setSecureContext({ cert: certificate, key, ...tlsFloor });
    },
  };
}

/** What is open goes on until its grace is over, then hears that it is. */
export async function closeWithin(listening: Listening, graceMs: number): Promise<void> {
  const grace = setTimeout(() => listening.endCalls(), graceMs);
  const last = setTimeout(() => listening.destroy(), graceMs + lastWordsMs);
  await listening.close();
  clearTimeout(grace);
  clearTimeout(last);
}

function http1Server({ tls }: ListenerPlan, { headMs, requestMs, silenceMs, lookMs }: Timeouts): Http1Server {
  const options = {
    maxHeaderSize: parsedHeadBytesMax,
    headersTimeout: headMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: lookMs,
    noDelay: true,
    // The gate says what a missing Host is, in the same words as every engine.
    requireHostHeader: false,
    insecureHTTPParser: false,
  };
  const server = tls === undefined ? createHttp1(options) : createHttps({ ...options, ...tlsOptions(tls, headMs) });
  endSilent(server, silenceMs);
  return server;
}

const tlsFloor = { minVersion: 'TLSv1.2' } as const;

function tlsOptions(files: NonNullable<ListenerPlan['tls']>, handshakeTimeout: number): object {
  return {
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...tlsFloor,
    handshakeTimeout,
  };
}

interface Division {
  readonly http2: Http2Server;
  readonly connections: Connections;
  readonly timeouts: Timeouts;
}

function divideByPreface(server: Http1Server, { http2, connections, timeouts }: Division): void {
  const { all, waiting } = connections;
  const serveHttp1On = takeOver(server, 'connection');
  const servers = {
    http1: (socket: Socket): void => {
      waiting.delete(socket);
      serveHttp1On(socket);
    },
    http2: (socket: Socket): void => {
      waiting.delete(socket);
      http2.serve(socket);
    },
  };
  server.on('connection', (socket: Socket) => {
    waiting.add(socket);
    follow(socket, [all, waiting]);
    sniff(socket, servers, timeouts.headMs);
  });
}

function divideByAlpn(server: Http1Server, { http2, connections: { all } }: Division): void {
  const serveHttp1On = takeOver(server, 'secureConnection');
  // Followed before the handshake, so that those which never finish it end with the listener, too.
  server.on('connection', (socket: Socket) => follow(socket, [all]));
  server.on('secureConnection', (socket: Socket & { alpnProtocol?: string | false }) => {
    if (socket.alpnProtocol === 'h2') http2.serve(socket);
    else serveHttp1On(socket);
  });
}

/** Removes the http server's own listener for connections, and returns it. */
function takeOver(server: Http1Server, event: string): (socket: Socket) => void {
  const [own] = server.listeners(event) as ((this: Http1Server, socket: Socket) => void)[];
  if (own === undefined) throw new Error(`this Node's http server has no listener of its own for ${event}`);
  server.removeAllListeners(event);
  return (socket) => own.call(server, socket);
}

function follow(socket: Socket, [all, waiting]: readonly [Set<Socket>, Set<Socket>?]): void {
  all.add(socket);
  socket.once('close', () => {
    all.delete(socket);
    waiting?.delete(socket);
  });
}

/** Idle connections end at once, others with their last answer; clients of HTTP/2 are told to go. */
function closeGently(
  server: Http1Server,
  { http2, connections: { waiting } }: Pick<Division, 'http2' | 'connections'>,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => server.closeIdleConnections(), idleLookMs);
    // Whoever has just connected is about to ask, and would have to take a broken connection for an answer.
    const impatience = setTimeout(() => {
      for (const socket of waiting) socket.destroy();
    }, firstBytesMs);
    server.close(() => {
      clearInterval(timer);
      clearTimeout(impatience);
      resolve();
    });
    http2.close();
  });
}
