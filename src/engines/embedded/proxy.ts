import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { type DenialReason, isRemovedHeader, type Permit, upstreamHeaders } from '../../gate/index.ts';
import type { Endpoint } from '../../traffic/index.ts';
import type { Replica, Upstreams } from './upstreams.ts';

/** Node's HTTP/2 compatibility response is used as the HTTP/1 one that it imitates. */
export type Outgoing = ServerResponse;

/** One permitted call on its way: what the upstream is sent and where the answer goes. */
export interface ProxyCall {
  readonly permit: Permit;
  readonly requestId: string;
  readonly address: string;
  readonly method: string;
  /** Path (of the Permit) and query. */
  readonly path: string;
  /** Raw fields of the request, without pseudo-header fields. */
  readonly headers: readonly string[];
  /** Whole where it was small, a stream where it wasn't, null where there is none. */
  readonly body: Buffer | Readable | null;
  readonly outgoing: Outgoing;
}

/** How a call ended. `last`: what has to be done once the audit line is written, to end the answer. */
export interface ProxyResult {
  readonly status: number;
  readonly endpoint: string | undefined;
  /** Milliseconds, by `performance.now()`, when the first byte of the answer was there. */
  readonly firstByteAt: number | undefined;
  readonly bytesOut: number;
  readonly failed: DenialReason | undefined;
  readonly last: Buffer | undefined;
}

/** Fields that belong to one connection (RFC 9110, section 7.6.1), and what is set anew. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
  'trailer',
]);

/** Sends the call to a replica, and to another where one can't be reached. Resolves when all but the last byte is on its way. */
export async function proxy(upstreams: Upstreams, call: ProxyCall): Promise<ProxyResult> {
  const headers = requestHeaders(call);
  const tried = new Set<Endpoint>();
  for (;;) {
    const replica = upstreams.pick(call.permit.fields.operation.service, tried);
    if (replica === undefined) return failure('upstream-unavailable', undefined);
    tried.add(replica.endpoint);
    const result = await dispatch(replica, call, headers);
    const again = result.failed === 'upstream-unavailable' && (call.body === null || Buffer.isBuffer(call.body));
    if (!again) return result;
  }
}

function failure(failed: DenialReason, endpoint: string | undefined): ProxyResult {
  return { status: 0, endpoint, firstByteAt: undefined, bytesOut: 0, failed, last: undefined };
}

/** What came in, less what is ours or the connection's; then ours. */
function requestHeaders({ permit, requestId, address, headers }: ProxyCall): string[] {
  const dropped = namedByConnection(headers);
  const sent: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index] as string, headers[index + 1] as string];
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || isRemovedHeader(lower) || dropped?.has(lower)) continue;
    sent.push(name, value);
  }
  for (const [name, value] of upstreamHeaders(permit, requestId, address)) sent.push(name, value);
  return sent;
}

function namedByConnection(headers: readonly string[]): Set<string> | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'connection');
  const value = headers[at + 1]?.toLowerCase();
  if (at < 0 || value === undefined || value === 'close' || value === 'keep-alive') return undefined;
  return new Set(value.split(',').map((name) => name.trim()));
}

function dispatch(replica: Replica, call: ProxyCall, headers: string[]): Promise<ProxyResult> {
  return new Promise((resolve) => {
    const { endpoint } = replica;
    endpoint.inFlight += 1;
    const done = (result: ProxyResult): void => {
      endpoint.inFlight -= 1;
      resolve(result);
    };
    const answer = new Answer(call, endpoint.name, done);
    const { method, path, body } = call;
    replica.pool.dispatch({ method, path, headers, body }, answer);
  });
}

/** Carries one answer from the replica to the caller, holding back its last piece. */
class Answer {
  readonly #call: ProxyCall;
  readonly #endpoint: string;
  readonly #done: (result: ProxyResult) => void;
  #status = 0;
  #firstByteAt: number | undefined;
  #bytesOut = 0;
  #held: Buffer | undefined;

  constructor(call: ProxyCall, endpoint: string, done: (result: ProxyResult) => void) {
    this.#call = call;
    this.#endpoint = endpoint;
    this.#done = done;
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#call.outgoing.once('close', () => {
      if (!this.#call.outgoing.writableFinished) abort(new Error('the caller left'));
    });
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void): boolean {
    if (status < 200) return true;
    this.#firstByteAt = performance.now();
    this.#status = status;
    const { outgoing, requestId } = this.#call;
    outgoing.statusCode = status;
    setAnswerHeaders(outgoing, rawHeaders);
    outgoing.setHeader('x-headgate-request-id', requestId);
    outgoing.on('drain', resume);
    return true;
  }

  onData(chunk: Buffer): boolean {
    const before = this.#held;
    this.#held = chunk;
    this.#bytesOut += chunk.length;
    return before === undefined || this.#call.outgoing.write(before);
  }

  onComplete(): void {
    this.#end(undefined);
  }

  onError(error: Error): void {
    this.#end(this.#status === 0 ? reasonOf(error) : 'upstream-malformed');
  }

  #end(failed: DenialReason | undefined): void {
    this.#done({
      status: this.#status,
      endpoint: this.#endpoint,
      firstByteAt: this.#firstByteAt,
      bytesOut: this.#bytesOut,
      failed,
      last: this.#held,
    });
  }
}

function setAnswerHeaders(outgoing: Outgoing, rawHeaders: readonly Buffer[]): void {
  const fields = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as Buffer).toString('latin1').toLowerCase();
    if (hopByHop.has(name)) continue;
    const values = fields.get(name) ?? [];
    values.push((rawHeaders[index + 1] as Buffer).toString('latin1'));
    fields.set(name, values);
  }
  for (const [name, values] of fields) outgoing.setHeader(name, values.length === 1 ? (values[0] as string) : values);
}

function reasonOf(error: Error): DenialReason {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'upstream-timeout';
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return 'upstream-malformed';
  return 'upstream-unavailable';
}
