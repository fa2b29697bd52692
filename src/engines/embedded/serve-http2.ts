import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { isGrpc } from '../../protocols/index.ts';
import { headerCountMax } from '../../std/limits.ts';
import { Http2Exchange } from './http2-exchange.ts';
import {
  grpcWindowBytes,
  parsedHeadBytesMax,
  sessionMemoryMegabytesMax,
  sessionWindowBytes,
  streamsMax,
} from './limits.ts';
import type { Scene } from './scene.ts';
import { addressOf } from './serve-http1.ts';

export interface Http2Options {
  readonly listener: string;
  readonly sessions: Set<ServerHttp2Session>;
  /** After so long without any movement a stream, or a whole session, ends. Milliseconds. */
  readonly silenceMs: number;
}

/** A server of HTTP/2 that makes every stream a call. It doesn't listen: connections are handed to it. */
export function http2Server(scene: Scene, { listener, sessions, silenceMs }: Http2Options): Http2Server {
  const server = createServer({
    maxHeaderListPairs: 10 * headerCountMax,
    settings: {
      maxConcurrentStreams: streamsMax,
      maxHeaderListSize: parsedHeadBytesMax,
      enablePush: false,
      initialWindowSize: grpcWindowBytes,
    },
    maxSessionMemory: sessionMemoryMegabytesMax,
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    const exchange = new Http2Exchange(stream, raw, addressOf(stream.session?.socket));
    const call = scene.makeCall(scene, {
      listener,
      exchange,
      isGrpc: isGrpc(exchange.method, headers['content-type']),
    });
    stream.once('close', () => call.left());
    stream.setTimeout(silenceMs, () => call.refuse(call.exchange.isComplete ? 'upstream-timeout' : 'request-timeout'));
    call.start();
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(sessionWindowBytes);
    session.once('close', () => sessions.delete(session));
    session.setTimeout(silenceMs, () => session.close());
    session.on('error', () => session.destroy());
  });
  server.on('sessionError', () => undefined);
  return server;
}
