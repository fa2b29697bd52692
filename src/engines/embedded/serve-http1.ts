import type { Server as Http1Server, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { headerCountMax } from '../../std/limits.ts';
import { breakCalls, reasonOfClientError, refuseBare } from './bad-request.ts';
import type { Call } from './call.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { lingerMs } from './limits.ts';
import type { Scene } from './scene.ts';

/** A connection of HTTP/1. */
interface Connection extends Socket {
  /** The last call, and those before it that are not over: more than one where a client doesn't wait for answers. */
  headgateCalls?: Call[];
  headgateAddress?: string;
  /** It was given up: what still comes is no request. */
  headgateBroken?: boolean;
  /** Nothing moved on it for a while, but a call was on its way. */
  headgateSilent?: boolean;
}

/** Makes every request of a server of HTTP/1 a call, also one that is malformed or never ends. */
export function serveHttp1(server: Http1Server, scene: Scene, listener: string): void {
  // More than the gate lets pass, so that it is the gate that says what is too much.
  server.maxHeadersCount = 10 * headerCountMax;
  const serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const socket = request.socket as Connection;
    const calls = socket.headgateCalls ?? follow(socket);
    const address = socket.headgateAddress ?? '';
    const exchange = new Http1Exchange(request, response, { address, expectsContinue });
    const call = scene.makeCall(scene, { listener, exchange, isGrpc: false });
    socket.headgateSilent = false;
    if (calls.length === 1 && calls[0]?.isEnding) calls[0] = call;
    else calls.splice(0, calls.length, ...calls.filter(({ isEnding }) => !isEnding), call);
    call.start();
  };
  server.on('request', (request, response) => serve(request, response, false));
  server.on('checkContinue', (request, response) => serve(request, response, true));
  // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1).
  server.on('checkExpectation', (request, response) => serve(request, response, false));
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const { method = '', url: target = '' } = request;
    const reason = request.headers.host === undefined ? 'request-malformed' : 'path-not-canonical';
    refuseBare(scene, socket, { listener, address: addressOf(socket), method, target, reason });
  });
  server.on('clientError', (error: Error, socket: Connection) => {
    // The parser complains again of everything that follows.
    if (socket.headgateBroken) return;
    socket.headgateBroken = true;
    const reason = reasonOfClientError(error);
    if (reason === undefined) {
      socket.destroy();
      return;
    }
    const calls = socket.headgateCalls ?? [];
    if (breakCalls(calls, reason)) {
      // It has its answer, and a second one would be read as that to another request.
      setTimeout(() => socket.destroy(), 2 * lingerMs).unref();
      return;
    }
    refuseBare(scene, socket, { listener, address: addressOf(socket), method: '', target: '', reason });
  });
}

/**
 * Ends connections on which nothing moves: idle ones after one period, those with a call on its way after two, because an upstream
 * may be silent for as long as one. Cheaper than Node's own keepAliveTimeout, which sets two timers a request.
 */
export function endSilent(server: Http1Server, periodMs: number): void {
  server.keepAliveTimeout = 0;
  server.timeout = periodMs;
  server.on('timeout', (socket: Connection) => {
    const calls = socket.headgateCalls ?? [];
    // A body that doesn't come: whoever sends it is told.
    const isSent = calls.every(({ isEnding, exchange }) => isEnding || exchange.isComplete);
    if (!isSent && breakCalls(calls, 'request-timeout')) return;
    const isBusy = calls.some(({ isEnding }) => !isEnding);
    if (!isBusy || socket.headgateSilent) {
      socket.destroy();
      return;
    }
    socket.headgateSilent = true;
    socket.setTimeout(periodMs);
  });
}

/** Follows a connection: its calls hear when the client leaves. */
function follow(socket: Connection): Call[] {
  const calls: Call[] = [];
  socket.headgateCalls = calls;
  socket.headgateAddress = addressOf(socket);
  socket.once('close', () => {
    for (const call of calls) call.left();
  });
  return calls;
}

/** IP address of the peer, without the IPv4-in-IPv6 prefix. */
export function addressOf(socket: { readonly remoteAddress?: string | undefined } | undefined): string {
  const address = socket?.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
