import type { Recipient } from './carried.ts';
import { sharedAnswerBytesMax } from './limits.ts';

/** A whole answer, for every call that gets it. */
export interface HeldAnswer {
  readonly status: number;
  /** Without the id of a request. */
  readonly fields: readonly string[];
  readonly body: Uint8Array | undefined;
  /** There where the answer says that it has some. */
  readonly trailers: readonly string[] | undefined;
}

/** Who gets an answer that is too large to be held; undefined: nobody. */
type OnLarge = () => { readonly exchange: Recipient; readonly requestId: string } | undefined;

type Head = Pick<Recipient, 'method' | 'target' | 'authority' | 'address' | 'rawFields'>;

/**
 * Takes an answer in the place of an exchange, and holds it until it is whole. One that is larger than what is held goes on to the one
 * call that `onLarge` names, as it comes.
 */
export class SharedAnswer implements Recipient {
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly address: string;
  readonly rawFields: readonly string[];
  /** Once it is here. */
  whole: HeldAnswer | undefined;
  readonly #onLarge: OnLarge;
  #status = 0;
  #fields: string[] = [];
  #hasTrailers = false;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #heir: Recipient | undefined;
  #isLarge = false;

  /** `head`: of the call on whose behalf the answer is asked for. */
  constructor({ method, target, authority, address, rawFields }: Head, onLarge: OnLarge) {
    this.method = method;
    this.target = target;
    this.authority = authority;
    this.address = address;
    this.rawFields = rawFields;
    this.#onLarge = onLarge;
  }

  /** An interim answer is for nobody in particular. */
  inform(): void {}

  respond(status: number, fields: string[], body: Buffer | undefined): void {
    this.whole = { status, fields: withoutId(fields), body, trailers: undefined };
  }

  begin(status: number, fields: string[], trailers: boolean): void {
    this.#status = status;
    this.#fields = fields;
    this.#hasTrailers = trailers;
    if (lengthOf(fields) > sharedAnswerBytesMax) this.#passOn();
  }

  write(chunk: Buffer): boolean {
    if (this.#heir !== undefined) return this.#heir.write(chunk);
    if (this.#isLarge) return true;
    // The memory that it stands in is its reader's again.
    this.#add(Buffer.from(chunk));
    if (this.#bytes > sharedAnswerBytesMax) this.#passOn();
    return true;
  }

  onDrain(then: () => void): void {
    this.#heir?.onDrain(then);
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    if (this.#heir !== undefined) {
      this.#heir.end(chunk, trailers);
      return;
    }
    if (chunk !== undefined) this.#add(chunk);
    const body = this.#chunks.length === 0 ? undefined : Buffer.concat(this.#chunks);
    const fields = withoutId(this.#fields);
    if (!this.#hasTrailers && Number.isNaN(lengthOf(fields))) fields.push('content-length', String(this.#bytes));
    this.whole = { status: this.#status, fields, body, trailers: this.#hasTrailers ? trailers : undefined };
  }

  cut(): void {
    this.#heir?.cut();
  }

  #add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  #passOn(): void {
    this.#isLarge = true;
    const heir = this.#onLarge();
    const chunks = this.#chunks.splice(0);
    if (heir === undefined) return;
    this.#heir = heir.exchange;
    try {
      heir.exchange.begin(this.#status, withId(this.#fields, heir.requestId), this.#hasTrailers);
      for (const chunk of chunks) heir.exchange.write(chunk as Buffer);
    } catch {
      // Its version of HTTP can't carry such fields. That it is cut off is heard as if the client had left.
      heir.exchange.cut();
    }
  }
}

/** Answers one call with it. */
export function answerWith(
  { status, fields, body, trailers }: HeldAnswer,
  exchange: Recipient,
  requestId: string,
): void {
  const own = withId(fields, requestId);
  const bytes = body === undefined ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (trailers === undefined) {
    exchange.respond(status, own, bytes);
    return;
  }
  exchange.begin(status, own, true);
  exchange.end(bytes, trailers);
}

/** Whether the service says itself that the answer is for one caller alone (RFC 6265; RFC 9111, section 5.2.2). */
export function isOfOneCaller({ fields }: HeldAnswer): boolean {
  return fields.some((text, at) => {
    if (at % 2 === 1) return false;
    const name = text.toLowerCase();
    return (
      name === 'set-cookie' || (name === 'cache-control' && /\b(?:private|no-store)\b/i.test(fields[at + 1] ?? ''))
    );
  });
}

const idField = 'x-headgate-request-id';

function withoutId(fields: readonly string[]): string[] {
  return fields.filter((_text, at) => fields[at - (at % 2)] !== idField);
}

function withId(fields: readonly string[], requestId: string): string[] {
  return [...withoutId(fields), idField, requestId];
}

/** NaN: it doesn't say. */
function lengthOf(fields: readonly string[]): number {
  const at = fields.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'content-length');
  return at === -1 ? Number.NaN : Number(fields[at + 1]);
}
