import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchange, Reading } from './exchange.ts';
import { lingerMs } from './limits.ts';

/** Bodies up to this size go out in one write with the head. */
const joinedBytesMax = 16_384;

/** One request and its answer over HTTP/1.1 or 1.0. */
export class Http1Exchange implements Exchange {
  readonly body: IncomingMessage;
  readonly address: string;
  readonly authority = undefined;
  readonly mayHaveBody = false;
  readonly #response: ServerResponse;
  readonly expectsContinue: boolean;

  /** `address` of the peer. `expectsContinue`: the client waits for `100 Continue`. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { address, expectsContinue }: { readonly address: string; readonly expectsContinue: boolean },
  ) {
    this.body = request;
    this.#response = response;
    this.address = address;
    this.expectsContinue = expectsContinue;
  }

  get method(): string {
    return this.body.method ?? '';
  }

  get target(): string {
    return this.body.url ?? '';
  }

  get rawFields(): readonly string[] {
    return this.body.rawHeaders;
  }

  get isSound(): boolean {
    return this.body.httpVersionMajor === 1 && this.body.httpVersionMinor <= 1;
  }

  get isReset(): boolean {
    return false;
  }

  get isComplete(): boolean {
    return this.body.complete;
  }

  read(reading: Reading): void {
    this.body.on('data', (chunk: Buffer) => reading.data(chunk)).on('end', () => reading.end());
  }

  pause(): void {
    this.body.pause();
  }

  resume(): void {
    this.body.resume();
  }

  proceed(): void {
    if (this.expectsContinue) this.#response.writeContinue();
  }

  inform(status: number, fields: readonly string[]): void {
    if (status === 102) this.#response.writeProcessing();
    if (status !== 103) return;
    const hints: Record<string, string | string[]> = {};
    for (let at = 0; at < fields.length; at += 2) {
      const name = (fields[at] as string).toLowerCase();
      const before = hints[name] ?? [];
      hints[name] = [...(Array.isArray(before) ? before : [before]), fields[at + 1] as string];
    }
    if (hints.link !== undefined) this.#response.writeEarlyHints(hints);
  }

  respond(status: number, fields: string[], body: Buffer | undefined, ends = false): void {
    if (ends) {
      fields.push('connection', 'close');
      linger(this.body.socket);
    }
    this.#response.writeHead(status, fields);
    if (body === undefined) this.#response.end();
    // As a string it leaves with the head in one write(2); latin1 keeps every byte.
    else if (body.length <= joinedBytesMax) this.#response.end(body.toString('latin1'), 'latin1');
    else this.#response.end(body);
  }

  begin(status: number, fields: string[]): void {
    this.#response.writeHead(status, fields);
    this.#response.flushHeaders();
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  onDrain(then: () => void): void {
    this.#response.once('drain', then);
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    if (trailers.length > 0) this.#response.addTrailers(pairs(trailers));
    if (chunk === undefined) this.#response.end();
    else this.#response.end(chunk);
  }

  cut(): void {
    this.body.socket.destroy();
  }
}

/**
 * A connection that is closed while the client still sends is reset, and the reset takes the answer away from the client. So
 * the end waits until the client has seen ours, bounded (RFC 9112, section 9.6).
 */
function linger(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once('end', () => socket.destroy());
  };
}

function pairs(fields: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < fields.length; at += 2) found.push([fields[at] as string, fields[at + 1] as string]);
  return found;
}
