import {
  kindAuthority,
  kindBad,
  kindCookie,
  kindLength,
  kindMethod,
  kindPath,
  kindPlain,
  kindScheme,
  kindStatus,
} from './field-kind.ts';
import { type Entry, sizeOf } from './field-table.ts';

/** How much one block of fields may hold; of what is over nothing is kept. */
export interface HeadBounds {
  /** Names, values and 32 bytes for each (RFC 9113, section 6.5.2). */
  readonly listBytesMax: number;
  readonly fieldsMax: number;
}

/** What one block of header fields says: head of a request or an answer, or trailers. Not to be changed: blocks are remembered. */
export class Head {
  method: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  path: string | undefined;
  /** 0: none. */
  status = 0;
  contentLength: number | undefined;
  /** Name, value, name, value… in order of arrival, without pseudo-header fields; cookies are one field, the last. */
  readonly fields: string[] = [];
  /** Names of fields that may never enter a table (RFC 7541, section 6.2.3), for whoever sends them on. */
  sensitive: Set<string> | undefined;
  /** No message has such a block, whatever it is for. */
  isMalformed = false;
  isTooLarge = false;
  hasPseudo = false;
  #bytes = 0;
  #cookie: string | undefined;

  add(entry: Entry, bounds: HeadBounds): void {
    const { name, value, kind } = entry;
    this.#bytes += sizeOf(name, value);
    if (this.#bytes > bounds.listBytesMax || this.fields.length >= 2 * bounds.fieldsMax) this.isTooLarge = true;
    if (this.isTooLarge) return;
    if (kind === kindPlain) this.fields.push(name, value);
    else this.#note(kind, name, value);
  }

  /** No more fields follow. */
  close(): void {
    if (this.#cookie !== undefined) this.fields.push('cookie', this.#cookie);
    this.#cookie = undefined;
  }

  /** RFC 9113, section 8.3.1. CONNECT is no request of ours. */
  get isRequest(): boolean {
    if (this.isMalformed || this.status !== 0) return false;
    const { method, scheme, path } = this;
    return method !== undefined && method !== '' && scheme !== undefined && path !== undefined && path !== '';
  }

  /** RFC 9113, section 8.3.2. */
  get isResponse(): boolean {
    return !this.isMalformed && this.status !== 0 && this.method === undefined && this.path === undefined;
  }

  /** RFC 9113, section 8.1. */
  get isTrailers(): boolean {
    return !this.isMalformed && !this.hasPseudo;
  }

  #note(kind: number, name: string, value: string): void {
    if (kind === kindBad) this.isMalformed = true;
    else if (kind === kindLength) this.#noteLength(name, value);
    else if (kind === kindCookie) this.#cookie = this.#cookie === undefined ? value : `${this.#cookie}; ${value}`;
    else this.#notePseudo(kind, value);
  }

  #noteLength(name: string, value: string): void {
    const length = Number(value);
    if (this.contentLength !== undefined && this.contentLength !== length) this.isMalformed = true;
    this.contentLength = length;
    this.fields.push(name, value);
  }

  /** Each once, and before all others. */
  #notePseudo(kind: number, value: string): void {
    const isLate = this.fields.length > 0 || this.#cookie !== undefined;
    this.hasPseudo = true;
    if (isLate || !this.#isFirst(kind)) {
      this.isMalformed = true;
      return;
    }
    if (kind === kindMethod) this.method = value;
    else if (kind === kindScheme) this.scheme = value;
    else if (kind === kindAuthority) this.authority = value;
    else if (kind === kindPath) this.path = value;
    else if (/^[1-9]\d\d$/.test(value)) this.status = Number(value);
    else this.isMalformed = true;
  }

  #isFirst(kind: number): boolean {
    if (kind === kindMethod) return this.method === undefined;
    if (kind === kindScheme) return this.scheme === undefined;
    if (kind === kindAuthority) return this.authority === undefined;
    if (kind === kindPath) return this.path === undefined;
    return kind === kindStatus && this.status === 0;
  }
}
