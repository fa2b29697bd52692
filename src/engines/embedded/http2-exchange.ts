import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Exchange } from './exchange.ts';

/** One request and its answer on a stream of HTTP/2. */
export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly rawFields: readonly string[];
  readonly address: string;
  readonly expectsContinue: boolean;
  readonly isSound = true;
  readonly body: ServerHttp2Stream;
  #trailers: readonly string[] = [];

  /** `raw`: fields in order of arrival, pseudo-header fields among them. */
  constructor(stream: ServerHttp2Stream, raw: readonly string[], address: string) {
    const fields: string[] = [];
    let [method, target, authority]: [string, string, string | undefined] = ['', '', undefined];
    let cookie: string | undefined;
    let expectsContinue = false;
    for (let at = 0; at < raw.length; at += 2) {
      const [name, value] = [raw[at] as string, raw[at + 1] as string];
      if (name.charCodeAt(0) === 0x3a) {
        if (name === ':method') method = value;
        else if (name === ':path') target = value;
        else if (name === ':authority') authority = value;
        continue;
      }
      // RFC 9113, section 8.2.3: crumbs are one field for everybody behind this connection.
      if (name === 'cookie') cookie = cookie === undefined ? value : `${cookie}; ${value}`;
      else fields.push(name, value);
      expectsContinue ||= name === 'expect' && value.toLowerCase() === '100-continue';
    }
    if (cookie !== undefined) fields.push('cookie', cookie);
    this.method = method;
    this.target = target;
    this.authority = authority;
    this.expectsContinue = expectsContinue;
    this.rawFields = fields;
    this.address = address;
    this.body = stream;
    // Whoever resets a stream is heard by its `close`.
    stream.on('error', () => undefined);
  }

  get mayHaveBody(): boolean {
    return !this.body.endAfterHeaders;
  }

  /** A reset ends the readable side, too. */
  get isReset(): boolean {
    return this.body.rstCode !== undefined && this.body.rstCode !== constants.NGHTTP2_NO_ERROR;
  }

  get isComplete(): boolean {
    return this.body.readableEnded || this.body.endAfterHeaders;
  }

  proceed(): void {
    if (this.expectsContinue && !this.body.destroyed) this.body.additionalHeaders({ ':status': 100 });
  }

  inform(status: number, fields: readonly string[]): void {
    if (!this.body.headersSent && !this.body.destroyed) this.body.additionalHeaders(headersOf(status, fields));
  }

  respond(status: number, fields: string[], body: Buffer | undefined): void {
    if (this.body.destroyed) return;
    if (body === undefined || body.length === 0) {
      this.body.respond(headersOf(status, fields), { endStream: true });
    } else {
      this.body.respond(headersOf(status, fields));
      this.body.end(body);
    }
    this.#leave();
  }

  begin(status: number, fields: string[], trailers: boolean): void {
    if (this.body.destroyed) return;
    this.body.respond(headersOf(status, fields), { waitForTrailers: trailers });
    if (trailers) this.body.once('wantTrailers', () => this.body.sendTrailers(fieldsObject(this.#trailers)));
  }

  write(chunk: Buffer): boolean {
    return this.body.destroyed || this.body.write(chunk);
  }

  onDrain(then: () => void): void {
    this.body.once('drain', then);
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    if (this.body.destroyed) return;
    this.#trailers = trailers;
    if (chunk === undefined) this.body.end();
    else this.body.end(chunk);
    this.#leave();
  }

  cut(): void {
    if (!this.body.destroyed) this.body.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** An answer to a request that is not read to its end: the client may stop sending (RFC 9113, section 8.1). */
  #leave(): void {
    const { body } = this;
    if (this.isComplete) return;
    body.once('finish', () => body.close(constants.NGHTTP2_NO_ERROR));
  }
}

function headersOf(status: number, fields: readonly string[]): OutgoingHttpHeaders {
  const headers = fieldsObject(fields);
  headers[':status'] = status;
  return headers;
}

function fieldsObject(fields: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase();
    const before = headers[name];
    const value = fields[at + 1] as string;
    if (before === undefined) headers[name] = value;
    else headers[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
  }
  return headers;
}
