import { buildConnector } from 'undici';
import type { HostPort } from '../../std/host-port.ts';
import { type AnswerHandler, Line, type Sending } from './upstream-line.ts';

/** A request that a `PlainClient` sends. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values, in turn, the host's first. They come from a request of HTTP/1 or from the gate, so that they are fields. */
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /** How long the answer may be silent. */
  readonly headersTimeout: number;
}

/** Whether such a client can send it: a held body, with POST, or GET and none. What else there is takes undici's way. */
export function isPlain(request: Pick<PlainRequest, 'method' | 'path'> & { readonly body: unknown }): boolean {
  const { method, path, body } = request;
  if (method !== 'POST' && method !== 'GET') return false;
  if (body !== null && (method === 'GET' || !Buffer.isBuffer(body))) return false;
  return !outOfPath.test(path);
}

const outOfPath = /[^\x21-\xff]/;

/**
 * Sends plain requests to a replica over HTTP/1.1, one at a time, on a connection that it makes where there is none: undici's client
 * for the calls that most are, at half its price.
 */
export class PlainClient {
  readonly #address: HostPort;
  readonly #connect: buildConnector.connector;
  #line: Line | undefined;
  #sending: Sending | undefined;

  constructor(address: HostPort, connectMs: number) {
    this.#address = address;
    const reading = {
      onread: { buffer: readInto, callback: (count: number, bytes: Buffer) => this.#read(bytes, count) },
    };
    this.#connect = buildConnector({ timeout: connectMs, ...reading } as Parameters<typeof buildConnector>[0]);
  }

  /** To be called again once the handler has heard how it ended. */
  dispatch(request: PlainRequest, handler: AnswerHandler): void {
    this.#sending = { head: headOf(request), body: request.body, answerMs: request.headersTimeout, handler };
    if (this.#line === undefined) this.#open();
    else soon(this);
  }

  /** Sends what was dispatched. */
  go(): void {
    const sending = this.#sending;
    if (sending === undefined) return;
    if (this.#line === undefined || this.#line.isOver) {
      this.#open();
      return;
    }
    this.#sending = undefined;
    this.#line.send(sending);
  }

  close(): void {
    this.#line?.close();
  }

  #open(): void {
    const { host: hostname, port } = this.#address;
    this.#line = undefined;
    this.#connect({ hostname, protocol: 'http:', port: String(port) }, (...answer) => {
      if (answer[0] === null) {
        this.#line = new Line(answer[1]);
        this.go();
        return;
      }
      const { handler } = this.#sending ?? {};
      this.#sending = undefined;
      handler?.onError(answer[0]);
    });
  }

  #read(bytes: Buffer, count: number): boolean {
    return this.#line?.read(bytes, count) ?? false;
  }
}

/** INVARIANT: what was read is taken or copied before anything else is read. */
const readInto = Buffer.allocUnsafeSlow(65_536);

function headOf({ method, path, headers, body }: PlainRequest): string {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${headers[1]}\r\nconnection: keep-alive\r\n`;
  for (let at = 2; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.length === lengthOfLength && name.toLowerCase() === 'content-length') continue;
    head += `${name}: ${headers[at + 1]}\r\n`;
  }
  if (method === 'GET') return `${head}\r\n`;
  return `${head}content-length: ${body?.length ?? 0}\r\n\r\n`;
}

const lengthOfLength = 'content-length'.length;

/**
 * A connection that was used before is written to at the end of the turn: what its other side has already sent, unasked, or that it
 * has closed, is read before. Else it would be taken for the answer.
 */
function soon(client: PlainClient): void {
  if (due.push(client) === 1) setImmediate(goAll);
}

let due: PlainClient[] = [];

function goAll(): void {
  const clients = due;
  due = [];
  for (const client of clients) client.go();
}
