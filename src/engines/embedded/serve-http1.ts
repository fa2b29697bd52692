import type { Server as Http1Server, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { headerCountMax } from '../../std/limits.ts';
import { breakCalls, reasonOfClientError, refuseBare } from './bad-request.ts';
import { Call } from './call.ts';
import { Http1Exchange } from './http1-exchange.ts';
import type { Scene } from './scene.ts';

/** A connection of HTTP/1, with the calls on it that are not over. */
interface Connection extends Socket {
  headgateCalls?: Set<Call>;
  headgateAddress?: string;
  /** It was given up: what still comes is no request. */
  headgateBroken?: boolean;
}

/** Makes every request of a server of HTTP/1 a call, also one that is malformed or never ends. */
export function serveHttp1(server: Http1Server, scene: Scene, listener: string): void {
  // More than the gate lets pass, so that it is the gate that says what is too much.
  server.maxHeadersCount = 10 * headerCountMax;
  const serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const socket = request.socket as Connection;
    const calls = socket.headgateCalls ?? follow(socket);
    const address = socket.headgateAddress ?? '';
    const call = new Call(scene, listener, new Http1Exchange(request, response, { address, expectsContinue }));
    for (const before of calls) if (before.isEnding) calls.delete(before);
    calls.add(call);
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
    if (socket.headgateCalls !== undefined && breakCalls(socket.headgateCalls, reason)) return;
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

/** IP address of the peer, without the IPv4-in-IPv6 prefix. */
export function addressOf(socket: { readonly remoteAddress?: string | undefined } | undefined): string {
  const address = socket?.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
