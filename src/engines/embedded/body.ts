import { Readable } from 'node:stream';
import type { DenialReason } from '../../gate/index.ts';
import { unsizedBodyBytesMax, unsizedBodyTimeoutMs } from '../../std/limits.ts';
import { heldBodyBytesMax } from './limits.ts';

export interface BodyReader {
  /** The body is here, whole. */
  whole(body: Buffer | null): void;
  /** It is too large to be held. It has the length that the request names: the parser holds it to that. */
  streamed(body: Readable): void;
  /** It is larger than it may be, or doesn't come. */
  refused(reason: DenialReason): void;
}

export interface BodySize {
  /** As the request names it, undefined where it doesn't. */
  readonly length: number | undefined;
  /** Of the Plan. */
  readonly bodyBytesMax: number;
}

/** Reads a request body. */
export function readBody(source: Readable, { length, bodyBytesMax }: BodySize, reader: BodyReader): void {
  if (length !== undefined && length > bodyBytesMax) {
    reader.refused('body-too-large');
  } else if (length !== undefined && length > heldBodyBytesMax) {
    reader.streamed(new StreamedBody(source));
  } else if (source.readableEnded) {
    // An empty body may have come to its end while the gate was asked.
    reader.whole(null);
  } else {
    const hold = new Hold(source, reader);
    if (length === undefined) hold.bound();
  }
}

/** Holds a body until it is whole. */
class Hold {
  readonly #source: Readable;
  readonly #reader: BodyReader;
  #first: Buffer | null = null;
  #chunks: Buffer[] | undefined;
  #bytes = 0;
  #bytesMax = Number.POSITIVE_INFINITY;
  readonly #onData = (chunk: Buffer): void => this.#add(chunk);
  readonly #onEnd = (): void =>
    this.#reader.whole(this.#chunks === undefined ? this.#first : Buffer.concat(this.#chunks));

  constructor(source: Readable, reader: BodyReader) {
    this.#source = source;
    this.#reader = reader;
    source.on('data', this.#onData).on('end', this.#onEnd);
  }

  /** Nobody has said how long it will be: it is held to a size and to a time. */
  bound(): void {
    this.#bytesMax = unsizedBodyBytesMax;
    const late = setTimeout(() => this.#refuse('request-timeout'), unsizedBodyTimeoutMs);
    const stop = (): void => clearTimeout(late);
    this.#source.once('end', stop).once('close', stop);
  }

  #add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) this.#refuse('length-required');
    else if (this.#first === null) this.#first = chunk;
    else if (this.#chunks === undefined) this.#chunks = [this.#first, chunk];
    else this.#chunks.push(chunk);
  }

  #refuse(reason: DenialReason): void {
    this.#source.off('data', this.#onData).off('end', this.#onEnd);
    this.#source.pause();
    this.#reader.refused(reason);
  }
}

/** The rest of a body as it comes, no faster than it is read. */
class StreamedBody extends Readable {
  readonly #source: Readable;

  constructor(source: Readable) {
    super({ highWaterMark: 2 * heldBodyBytesMax });
    this.#source = source;
    const add = (chunk: Buffer): void => {
      if (!this.push(chunk)) source.pause();
    };
    source.on('data', add).on('end', () => this.push(null));
    source.pause();
    // The call hears of a client that leaves by its connection.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#source.resume();
  }
}
