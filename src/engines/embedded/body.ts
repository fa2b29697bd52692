import { Readable } from 'node:stream';
import { heldBodyBytesMax } from './limits.ts';

export interface BodyReader {
  /** The body is here, whole. */
  whole(body: Buffer | null): void;
  /** It is too large to be held: this much is here, the rest follows. */
  streamed(body: Readable): void;
  /** It is larger than any body may be. May come after `streamed`. */
  tooLarge(): void;
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
    reader.tooLarge();
    return;
  }
  if (length !== undefined && length > heldBodyBytesMax) {
    reader.streamed(new StreamedBody(source, [], { ...reader, bodyBytesMax }));
    return;
  }
  // An empty body may have come to its end while the gate was asked.
  if (source.readableEnded) {
    reader.whole(null);
    return;
  }
  let first: Buffer | null = null;
  let chunks: Buffer[] | undefined;
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (first === null) first = chunk;
    else if (chunks === undefined) chunks = [first, chunk];
    else chunks.push(chunk);
    if (bytes <= heldBodyBytesMax) return;
    source.off('data', onData).off('end', onEnd);
    source.pause();
    reader.streamed(new StreamedBody(source, chunks ?? [chunk], { ...reader, bodyBytesMax }));
  };
  const onEnd = (): void => reader.whole(chunks === undefined ? first : Buffer.concat(chunks));
  source.on('data', onData).on('end', onEnd);
}

/** The rest of a body as it comes, no faster than it is read. */
class StreamedBody extends Readable {
  readonly #source: Readable;

  constructor(
    source: Readable,
    held: readonly Buffer[],
    { tooLarge, bodyBytesMax }: Pick<BodyReader, 'tooLarge'> & Pick<BodySize, 'bodyBytesMax'>,
  ) {
    super({ highWaterMark: 2 * heldBodyBytesMax });
    this.#source = source;
    let bytes = 0;
    const add = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) tooLarge();
      else if (!this.push(chunk)) source.pause();
    };
    for (const chunk of held) add(chunk);
    source.on('data', add).on('end', () => this.push(null));
    source.pause();
    // The call hears of a client that leaves by its connection.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#source.resume();
  }
}
