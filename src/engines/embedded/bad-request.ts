import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { spoolCore } from '../../audit/index.ts';
import { type DenialReason, problemAnswer } from '../../gate/index.ts';
import { unaskedCore } from '../static-core.ts';
import type { Call } from './call.ts';
import { lingerMs } from './limits.ts';
import type { Scene } from './scene.ts';

/** What is known of a request that never became one. */
export interface BadRequest {
  readonly listener: string;
  readonly address: string;
  /** '' where it could not be read. */
  readonly method: string;
  readonly target: string;
  readonly reason: DenialReason;
}

/** Why Node gave a connection up, as a reason of the table; undefined: nobody is there to be told. */
export function reasonOfClientError(error: Error): DenialReason | undefined {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return 'header-too-large';
  if (code === 'HPE_INVALID_EOF_STATE' || !code.startsWith('HPE_')) return undefined;
  return 'request-malformed';
}

/** Records and answers it on the bare connection, which ends with it. */
export function refuseBare(scene: Scene, socket: Duplex, bad: BadRequest): void {
  const startedMs = performance.now();
  scene.calls += 1;
  const requestId = `${scene.worker}-${scene.calls.toString(36)}`;
  const { status, headers, body } = problemAnswer(bad.reason, requestId);
  const canAnswer = socket.writable;
  const line = {
    requestId,
    timeMs: scene.clock.now(),
    address: bad.address,
    status: canAnswer ? status : 0,
    traceId: null,
    totalMs: performance.now() - startedMs,
    bytesIn: 0,
    bytesOut: canAnswer ? body.length : 0,
  };
  const fields = [
    ['x-headgate-request-id', requestId],
    ['content-length', String(body.length)],
    ['connection', 'close'],
    ...headers,
  ].map(([name, value]) => `${name}: ${value}\r\n`);
  scene.spool.add(line, spoolCore(unaskedCore(scene.plan, bad, { reason: bad.reason, isGrpc: false })), {
    recorded: () => finish(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields.join('')}\r\n${body}`),
  });
}

/**
 * A connection that broke while a request was still being sent: that call is refused, if it isn't already. False: no request was on
 * its way, so what broke is a new one.
 */
export function breakCalls(calls: Iterable<Call>, reason: DenialReason): boolean {
  let isTold = false;
  for (const call of calls) {
    if (call.exchange.isComplete) continue;
    if (!call.isEnding) call.refuse(reason);
    isTold = true;
  }
  return isTold;
}

/** What the client still sends is read for a while, because a reset would take the answer away from it. */
function finish(socket: Duplex, answer: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
  socket.resume();
  socket.end(answer);
}
