import { errors } from 'undici';

/** Who hears of an answer as it comes. */
export interface AnswerReader {
  /** Also of an interim one (1xx), after which another comes. Names and values in turn, a character a byte. */
  onHead(status: number, fields: readonly string[]): void;
  /** False: no more until `feed` is called again. */
  onBody(chunk: Buffer): boolean;
  /** INVARIANT: the last that is heard of it. */
  onWhole(trailers: readonly string[]): void;
}

/** As undici has it: Node's own bound. */
const headBytesMax = 16_384;
/** So much is looked at first: most heads are shorter. */
const headBytesMostly = 1024;
const sizeLineBytesMax = 1024;

const value = '[\\t\\x20-\\x7e\\x80-\\xff]*';
const field = `[\\w!#$%&'*+.^\`|~-]+:${value}\\r\\n`;
const headForm = new RegExp(`HTTP/1\\.[01] [1-9]\\d\\d(?: ${value})?\\r\\n(?:${field})*\\r\\n`, 'y');
const trailersForm = new RegExp(`(?:${field})*\\r\\n`, 'y');
const sizeForm = /^([0-9a-fA-F]{1,8})(?:;[\t\x20-\x7e]+)?$/;

const saysClose = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const saysKeepAlive = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
const saysTimeout = /(?:^|[,;])[\t ]*timeout="?(\d{1,9})/i;

type State = 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'whole';

/**
 * Reads answers of HTTP/1 (RFC 9112) from bytes that come split anywhere, one answer after the other, each begun by `begin`. Stricter
 * than it has to be: lines end in CR LF, nothing is folded, a length stands once and never beside a transfer coding.
 */
export class AnswerParser {
  /** Of the answer that is whole: the connection may be used for another. */
  keepsAlive = false;
  /** `Keep-Alive: timeout=`, in milliseconds; undefined: it said nothing of it. */
  idleMs: number | undefined;
  readonly #reader: AnswerReader;
  #state: State = 'head';
  /** The beginning of a head, a line or trailers that have no end yet. */
  #begun = '';
  /** Bytes of a body or a chunk that are still to come. */
  #left = 0;

  constructor(reader: AnswerReader) {
    this.#reader = reader;
  }

  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  begin(): void {
    this.#state = 'head';
    this.#begun = '';
  }

  /**
   * Takes bytes from `from` on, up to `to`, and returns where it left off: where the answer was whole, or the reader wanted no more.
   * Throws where they are no answer.
   */
  feed(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      switch (this.#state) {
        case 'head':
          at = this.#head(bytes, at, to);
          break;
        case 'length':
        case 'close':
        case 'chunk': {
          const end = this.#state === 'close' ? to : Math.min(to, at + this.#left);
          const goesOn = this.#body(bytes, at, end);
          if (!goesOn) return end;
          at = end;
          break;
        }
        case 'size':
        case 'chunk-end':
          at = this.#line(bytes, at, to);
          break;
        case 'trailers':
          at = this.#trailers(bytes, at, to);
          break;
        default:
          return at;
      }
    }
    return at;
  }

  /** The other side has closed. False: the answer is not whole. */
  end(): boolean {
    if (this.#state !== 'close') return false;
    this.#whole([]);
    return true;
  }

  #head(bytes: Buffer, from: number, to: number): number {
    const { begun, next } = this.#upTo('\r\n\r\n', { bytes, from, to, max: headBytesMax });
    if (begun === undefined) return to;
    headForm.lastIndex = 0;
    if (!headForm.test(begun) || headForm.lastIndex !== begun.length) throw malformed('its head is none of HTTP/1');
    const status = Number(begun.slice(9, 12));
    const fields: string[] = [];
    this.#frame(status, begun.charCodeAt(7) === one, readFields(begun, begun.indexOf('\r\n') + 2, fields));
    if (status < 200) this.begin();
    this.#reader.onHead(status, fields);
    if (this.#state === 'length' && this.#left === 0) this.#whole([]);
    return next;
  }

  /** How the body is framed, RFC 9112, section 6.3. */
  #frame(status: number, isHttp11: boolean, { length, coding, connection, keepAlive }: Framing): void {
    if (connection === '') this.keepsAlive = isHttp11;
    else this.keepsAlive = isHttp11 ? !saysClose.test(connection) : saysKeepAlive.test(connection);
    const timeout = keepAlive === '' ? undefined : saysTimeout.exec(keepAlive)?.[1];
    this.idleMs = timeout === undefined ? undefined : Number(timeout) * 1000;
    if (coding !== undefined && length !== undefined) throw malformed('it has a length and a transfer coding');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed('its length is no number');
    if (status === 101) throw new errors.SocketError('bad upgrade');
    this.#left = Number(length ?? 0);
    if (status === 204 || status === 304) {
      this.#state = 'length';
      this.#left = 0;
    } else if (length !== undefined) this.#state = 'length';
    else if (coding !== undefined && /(?:^|,)[\t ]*chunked$/i.test(coding)) this.#state = 'size';
    else {
      this.#state = 'close';
      this.keepsAlive = false;
    }
  }

  #body(bytes: Buffer, from: number, to: number): boolean {
    const chunk = Buffer.allocUnsafe(to - from);
    bytes.copy(chunk, 0, from, to);
    this.#left -= chunk.length;
    const isLast = this.#left === 0;
    if (this.#state === 'chunk' && isLast) this.#state = 'chunk-end';
    const goesOn = this.#reader.onBody(chunk);
    if (this.#state === 'length' && isLast) this.#whole([]);
    return goesOn;
  }

  /** The size of a chunk, or the empty end of one. */
  #line(bytes: Buffer, from: number, to: number): number {
    const { begun, next } = this.#upTo('\r\n', { bytes, from, to, max: sizeLineBytesMax });
    if (begun === undefined) return to;
    const line = begun.slice(0, -2);
    if (this.#state === 'chunk-end') {
      if (line !== '') throw malformed('a chunk is longer than it says');
      this.#state = 'size';
      return next;
    }
    const size = sizeForm.exec(line)?.[1];
    if (size === undefined) throw malformed('the size of a chunk is no number');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return next;
  }

  #trailers(bytes: Buffer, from: number, to: number): number {
    // They end in an empty line, which may be all of them.
    const isStart = this.#begun === '' || this.#begun === '\r';
    const start = isStart ? (this.#begun + bytes.toString('latin1', from, Math.min(to, from + 2))).slice(0, 2) : '';
    const end = start === '\r\n' ? '\r\n' : '\r\n\r\n';
    const { begun, next } = this.#upTo(end, { bytes, from, to, max: headBytesMax });
    if (begun === undefined) return to;
    trailersForm.lastIndex = 0;
    if (!trailersForm.test(begun) || trailersForm.lastIndex !== begun.length) throw malformed('its trailers are none');
    const fields: string[] = [];
    const { length, coding } = readFields(begun, 0, fields);
    if (length !== undefined || coding !== undefined) throw malformed('its trailers say how it is framed');
    this.#whole(fields);
    return next;
  }

  /** What has begun up to an end that it has in common, which may come split; `begun` undefined: it isn't here yet. */
  #upTo(end: string, { bytes, from, to, max }: Piece): { begun: string | undefined; next: number } {
    const before = this.#begun;
    let until = Math.min(to, from + headBytesMostly);
    let text = before + bytes.toString('latin1', from, until);
    let at = text.indexOf(end);
    if (at === -1 && until < to) {
      until = Math.min(to, from + max + end.length);
      text = before + bytes.toString('latin1', from, until);
      at = text.indexOf(end);
    }
    if (at === -1 ? text.length > max : at > max) throw new errors.HeadersOverflowError();
    if (at === -1) {
      this.#begun = text;
      return { begun: undefined, next: to };
    }
    this.#begun = '';
    return { begun: text.slice(0, at + end.length), next: from + at + end.length - before.length };
  }

  #whole(trailers: readonly string[]): void {
    this.#state = 'whole';
    this.#reader.onWhole(trailers);
  }
}

interface Piece {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly max: number;
}

/** What fields say of the body and of the connection. */
interface Framing {
  length: string | undefined;
  coding: string | undefined;
  connection: string;
  keepAlive: string;
}

const one = '1'.charCodeAt(0);

/** Adds names and values, in turn, of lines that are known to be well-formed; they end in an empty one. */
function readFields(text: string, from: number, fields: string[]): Framing {
  const framing: Framing = { length: undefined, coding: undefined, connection: '', keepAlive: '' };
  for (let at = from, end = text.indexOf('\r\n', at); end > at; at = end + 2, end = text.indexOf('\r\n', at)) {
    const colon = text.indexOf(':', at);
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    fields.push(name, value);
    if (lengthsThatFrame.has(name.length)) frame(framing, name.toLowerCase(), value);
  }
  return framing;
}

const lengthsThatFrame: ReadonlySet<number> = new Set(
  ['content-length', 'transfer-encoding', 'connection', 'keep-alive'].map(({ length }) => length),
);

function frame(framing: Framing, name: string, value: string): void {
  if (name === 'content-length') {
    if (framing.length !== undefined) throw malformed('it has two lengths');
    framing.length = value;
  } else if (name === 'transfer-encoding') {
    framing.coding = framing.coding === undefined ? value : `${framing.coding},${value}`;
  } else if (name === 'connection') framing.connection += `,${value}`;
  else if (name === 'keep-alive') framing.keepAlive += `,${value}`;
}

/** Without the blanks around it. */
function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(character: number): boolean {
  return character === 0x20 || character === 0x09;
}

function malformed(how: string): Error {
  return new errors.HTTPParserError(`the answer can't be read: ${how}`);
}
