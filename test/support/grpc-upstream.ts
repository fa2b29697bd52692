import { once } from 'node:events';
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { NamedModel } from '../../src/wire/index.ts';
import { frame } from './protobuf-bytes.ts';
import { parsedModels } from './serving-parser.ts';

/** A whole message that a replica was sent, and would run. */
export interface Ran {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  /** As a real protobuf parser reads it; undefined: it can't. */
  readonly models: readonly NamedModel[] | undefined;
  readonly message: Buffer;
}

export interface GrpcUpstream {
  readonly port: number;
  readonly ran: Ran[];
  /** Streams that ended before their message was whole. */
  readonly reset: number;
  /** Streams that were cancelled. */
  readonly cancelled: number;
  readonly sessions: number;
  /** Says goodbye on every connection, and ends them with their last stream. */
  goaway(): void;
  /** Breaks every connection. */
  destroy(): void;
  close(): Promise<void>;
}

/**
 * A gRPC server over node:http2 that reads messages by a real protobuf parser. The metadata `x-answer` says how it answers: `large:N`
 * bytes, `status:N`, `trailers-only:N`, `pushback:MS` (UNAVAILABLE, for so long), `empty:N` (no message), `http:N`, `reset`, `silent`, `hang-up`, `half` and `broken` (reset within the answer), `late:N` ms; else with one small message.
 * `first=` before it: the first time that this call comes; then well.
 */
export async function startGrpcUpstream(): Promise<GrpcUpstream> {
  const sessions = new Set<ServerHttp2Session>();
  const ran: Ran[] = [];
  const counts = { reset: 0, cancelled: 0, sessions: 0 };
  const met = new Set<string>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    counts.sessions += 1;
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    let isWhole = false;
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (!isWhole) counts.reset += 1;
      if (stream.rstCode === constants.NGHTTP2_CANCEL) counts.cancelled += 1;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      // A reset ends the readable side, too.
      const run = readBody(Buffer.concat(chunks), headers);
      if (run === undefined || stream.destroyed) return;
      isWhole = true;
      ran.push(run);
      const how = String(headers['x-answer'] ?? '');
      const id = String(headers['x-headgate-request-id']);
      answer(stream, how.startsWith('first=') && met.has(id) ? '' : how.replace('first=', ''));
      met.add(id);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ran,
    get reset() {
      return counts.reset;
    },
    get cancelled() {
      return counts.cancelled;
    },
    get sessions() {
      return counts.sessions;
    },
    goaway: () => sessions.forEach((session) => void session.close()),
    destroy: () => sessions.forEach((session) => void session.destroy()),
    close() {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Node's own `close` would end the answer first. */
function resetSoon(stream: ServerHttp2Stream): void {
  setTimeout(() => stream.destroy(new Error('broken')), 50);
}

/** As gRPC's own servers do: one whole frame, or nothing is run. */
function readBody(body: Buffer, headers: IncomingHttpHeaders): Ran | undefined {
  if (body.length < 5 || body.readUInt8(0) !== 0 || body.length < 5 + body.readUInt32BE(1)) return undefined;
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  const path = String(headers[':path']);
  const method = path.endsWith('/MultiInference') ? 'MultiInference' : 'Predict';
  return { path, headers, bytes: body.length, models: tried(message, method), message };
}

function tried(message: Buffer, method: 'Predict' | 'MultiInference'): readonly NamedModel[] | undefined {
  try {
    return parsedModels(message, method);
  } catch {
    return undefined;
  }
}

const head = { ':status': 200, 'content-type': 'application/grpc' };
const trailersOf = (status: number) => ({ ...head, 'grpc-status': String(status), 'grpc-message': 'said so' });

function answer(stream: ServerHttp2Stream, how: string): void {
  const [what, number = ''] = how.split(':');
  if (what === 'silent') return;
  if (what === 'late') {
    setTimeout(() => stream.destroyed || answer(stream, ''), Number(number));
    return;
  }
  if (what === 'trailers-only') stream.respond(trailersOf(Number(number || 5)), { endStream: true });
  else if (what === 'pushback') {
    stream.respond({ ...trailersOf(14), 'grpc-retry-pushback-ms': number }, { endStream: true });
  } else if (what === 'empty') {
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': number }));
    stream.end();
  } else if (what === 'http') {
    stream.respond({ ':status': Number(number), 'content-type': 'text/plain' });
    stream.end('not gRPC');
  } else if (what === 'reset') stream.close(2);
  else if (what === 'hang-up') stream.session?.destroy();
  else {
    const status = what === 'status' ? number : '0';
    const body = frame(Buffer.alloc(what === 'large' ? Number(number) : 2));
    stream.respond({ ...head, 'x-initial': 'a' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'x-trailing': ['b', 'c'] }));
    if (what === 'half') stream.write(body.subarray(0, 3), () => resetSoon(stream));
    else if (what === 'broken') stream.write(frame(Buffer.alloc(100_000)).subarray(0, 90_000), () => resetSoon(stream));
    else stream.end(body);
  }
}
