import {
  ConnectionFault,
  defaultFrameBytes,
  errorCodes,
  flagEndStream,
  flagPadded,
  frameData,
  frameHeadBytes,
} from './codes.ts';

/** A frame whose payload is whole: it stands in `bytes` from `at` to `end`, and only while it is being looked at. */
export interface Frame {
  type: number;
  flags: number;
  streamId: number;
  bytes: Buffer;
  at: number;
  end: number;
}

export interface FrameSink {
  /** Payload and padding of a DATA frame that begins here: all of it counts for flow control. */
  dataBegins(streamId: number, length: number): void;
  /** Some of the payload: the reader keeps nothing of it. */
  data(chunk: Buffer): void;
  /** The DATA frame is over. `unused`: bytes of it that were padding. */
  dataEnds(isLast: boolean, unused: number): void;
  frame(frame: Frame): void;
}

/** What the next bytes are. */
const inHead = 0;
const inPadLength = 1;
const inData = 2;
const inPadding = 3;
const inPayload = 4;

/** Splits what a connection receives into frames (RFC 9113, section 4.1). Payloads of DATA pass as they come, uncopied. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head = Buffer.allocUnsafeSlow(frameHeadBytes);
  #headBytes = 0;
  #state = inHead;
  #left = 0;
  #padding = 0;
  #unused = 0;
  #held: Buffer | undefined;
  readonly #frame: Frame = { type: 0, flags: 0, streamId: 0, bytes: this.#head, at: 0, end: 0 };

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws what the sink throws, and a ConnectionFault where a frame is none. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === inHead) at = this.#readHead(chunk, at);
      else if (this.#state === inData) at = this.#passData(chunk, at);
      else if (this.#state === inPayload) at = this.#readPayload(chunk, at);
      else at = this.#readPadding(chunk, at);
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#headBytes === 0 && chunk.length - at >= frameHeadBytes) {
      this.#begin(chunk, at);
      return at + frameHeadBytes;
    }
    const end = Math.min(chunk.length, at + frameHeadBytes - this.#headBytes);
    chunk.copy(this.#head, this.#headBytes, at, end);
    this.#headBytes += end - at;
    if (this.#headBytes === frameHeadBytes) {
      this.#headBytes = 0;
      this.#begin(this.#head, 0);
    }
    return end;
  }

  #begin(head: Buffer, at: number): void {
    const length = ((head[at] as number) << 16) | ((head[at + 1] as number) << 8) | (head[at + 2] as number);
    const frame = this.#frame;
    frame.type = head[at + 3] as number;
    frame.flags = head[at + 4] as number;
    frame.streamId = head.readUInt32BE(at + 5) & 0x7fff_ffff;
    if (length > defaultFrameBytes) throw new ConnectionFault(errorCodes.frameSize, 'frame too large');
    this.#left = length;
    if (frame.type !== frameData) {
      if (length === 0) this.#give(this.#head, 0, 0);
      else this.#state = inPayload;
      return;
    }
    this.#sink.dataBegins(frame.streamId, length);
    this.#padding = 0;
    this.#unused = 0;
    if ((frame.flags & flagPadded) === 0) this.#afterPadLength();
    else if (length === 0)
      throw new ConnectionFault(errorCodes.frameSize, 'padded frame without a length of its padding');
    else this.#state = inPadLength;
  }

  #afterPadLength(): void {
    if (this.#left > this.#padding) this.#state = inData;
    else this.#afterData();
  }

  #afterData(): void {
    if (this.#padding > 0) {
      this.#state = inPadding;
      return;
    }
    this.#state = inHead;
    this.#sink.dataEnds((this.#frame.flags & flagEndStream) !== 0, this.#unused);
  }

  #passData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left - this.#padding);
    this.#left -= end - at;
    this.#sink.data(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.#left === this.#padding) this.#afterData();
    return end;
  }

  #readPadding(chunk: Buffer, at: number): number {
    if (this.#state === inPadLength) {
      const padding = chunk[at] as number;
      this.#left -= 1;
      if (padding > this.#left) throw new ConnectionFault(errorCodes.protocol, 'padding longer than its frame');
      this.#padding = padding;
      this.#unused = padding + 1;
      this.#afterPadLength();
      return at + 1;
    }
    const end = Math.min(chunk.length, at + this.#padding);
    this.#padding -= end - at;
    if (this.#padding === 0) this.#afterData();
    return end;
  }

  #readPayload(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    if (this.#held === undefined && end - at === this.#left) {
      this.#give(chunk, at, end);
      return end;
    }
    const { bytes } = this.#hold(chunk, at, end);
    if (this.#left === 0) {
      this.#held = undefined;
      this.#give(bytes, 0, bytes.length);
    }
    return end;
  }

  #hold(chunk: Buffer, at: number, end: number): { readonly bytes: Buffer } {
    this.#held ??= Buffer.allocUnsafe(this.#left);
    chunk.copy(this.#held, this.#held.length - this.#left, at, end);
    this.#left -= end - at;
    return { bytes: this.#held };
  }

  #give(bytes: Buffer, at: number, end: number): void {
    this.#state = inHead;
    const frame = this.#frame;
    frame.bytes = bytes;
    frame.at = at;
    frame.end = end;
    this.#sink.frame(frame);
    frame.bytes = this.#head;
  }
}
