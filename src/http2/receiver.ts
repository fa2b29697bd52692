import {
  ConnectionFault,
  clientPreface,
  errorCodes,
  flagAck,
  flagEndHeaders,
  flagEndStream,
  flagPadded,
  flagPriority,
  frameContinuation,
  frameGoaway,
  frameHeaders,
  framePing,
  framePriority,
  framePushPromise,
  frameRstStream,
  frameSettings,
  frameWindowUpdate,
} from './codes.ts';
import type { Connection } from './connection.ts';
import { type Frame, FrameReader, type FrameSink } from './frame-reader.ts';
import type { HeadBounds } from './head.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { blockFramesMax } from './limits.ts';
import type { Stream } from './stream.ts';

const priorityBytes = 5;
const idMask = 0x7fff_ffff;

/** A header block that isn't whole yet. */
interface Begun {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly parts: Buffer[];
  bytes: number;
}

/** Reads what a connection receives, and holds the peer to the rules of frames (RFC 9113, section 6). */
export class Receiver implements FrameSink {
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #blockBytesMax: number;
  /** Whose DATA is being received; undefined: nobody's. */
  #stream: Stream | undefined;
  #dataBytes = 0;
  #begun: Begun | undefined;
  #hasSettings = false;
  /** Of a client's preface, so many bytes are here. */
  #prefaceBytes = 0;

  constructor(connection: Connection, bounds: HeadBounds) {
    this.#connection = connection;
    this.#reader = new FrameReader(this);
    this.#decoder = new HpackDecoder(bounds);
    this.#blockBytesMax = 2 * bounds.listBytesMax;
  }

  push(chunk: Buffer): void {
    const at = this.#prefaceBytes === clientPreface.length || this.#connection.isClient ? 0 : this.#checkPreface(chunk);
    this.#reader.push(at === 0 ? chunk : chunk.subarray(at));
  }

  /** Returns where frames begin. */
  #checkPreface(chunk: Buffer): number {
    const before = this.#prefaceBytes;
    const length = Math.min(chunk.length, clientPreface.length - before);
    if (chunk.compare(clientPreface, before, before + length, 0, length) !== 0) throw misplaced('no preface');
    this.#prefaceBytes += length;
    return length;
  }

  dataBegins(streamId: number, length: number): void {
    const connection = this.#connection;
    if (this.#begun !== undefined || !this.#hasSettings || streamId === 0) throw misplaced('DATA');
    connection.receiveLeft -= length;
    if (connection.receiveLeft < 0) throw new ConnectionFault(errorCodes.flowControl, 'window of the connection');
    this.#dataBytes = length;
    const stream = connection.streams.get(streamId);
    this.#stream = stream;
    if (stream === undefined) this.#strayData(streamId);
    else if (stream.isRemoteEnded) this.#breach(stream, errorCodes.streamClosed);
    else if (connection.isClient && !stream.hasHead) this.#breach(stream, errorCodes.protocol);
    else {
      stream.receiveLeft -= length;
      if (stream.receiveLeft < 0) this.#breach(stream, errorCodes.flowControl);
    }
  }

  data(chunk: Buffer): void {
    if (this.#stream === undefined || this.#stream.isClosed) this.#connection.credit(chunk.length);
    else this.#stream.receive(chunk);
  }

  dataEnds(isLast: boolean, unused: number): void {
    const connection = this.#connection;
    const stream = this.#stream;
    this.#stream = undefined;
    // CVE-2019-9518: frames of nothing.
    if (!isLast && this.#dataBytes === unused) connection.noteMischief();
    if (stream === undefined || stream.isClosed) {
      connection.credit(unused);
      return;
    }
    if (unused > 0) stream.credit(unused);
    if (isLast) stream.receiveEnd(undefined);
  }

  frame(frame: Frame): void {
    const { type } = frame;
    if (this.#begun !== undefined && type !== frameContinuation) throw misplaced('frame within a header block');
    if (!this.#hasSettings && type !== frameSettings) throw misplaced('frame before SETTINGS');
    if (type === frameHeaders) this.#onHeaders(frame);
    else if (type === frameWindowUpdate) this.#onWindowUpdate(frame);
    else if (type === frameContinuation) this.#onContinuation(frame);
    else if (type === frameRstStream) this.#onReset(frame);
    else if (type === framePing) this.#onPing(frame);
    else if (type === frameSettings) this.#onSettings(frame);
    else if (type === frameGoaway) this.#onGoaway(frame);
    else if (type === framePushPromise) throw misplaced('PUSH_PROMISE');
    else if (type === framePriority) this.#onPriority(frame);
    // Frames of other types are passed over (section 5.5).
    else this.#connection.noteMischief();
  }

  /** What is still on its way on a stream that we have closed is passed over; else the peer has closed it itself. */
  #strayData(streamId: number): void {
    const connection = this.#connection;
    connection.checkKnown(streamId);
    if (connection.wasReset(streamId)) return;
    connection.noteMischief();
    connection.sendReset(streamId, errorCodes.streamClosed);
  }

  #breach(stream: Stream, code: number): void {
    this.#stream = undefined;
    this.#connection.breach(stream, code);
  }

  #onHeaders(frame: Frame): void {
    const { flags, streamId, bytes } = frame;
    if (streamId === 0) throw misplaced('HEADERS');
    let { at, end } = frame;
    if ((flags & flagPadded) !== 0) {
      if (at === end) throw wrongSize('HEADERS');
      end -= bytes[at] as number;
      at += 1;
    }
    if ((flags & flagPriority) !== 0) {
      if (at + priorityBytes > frame.end) throw wrongSize('HEADERS');
      this.#checkPriority(frame, at);
      at += priorityBytes;
    }
    if (at > end) throw new ConnectionFault(errorCodes.protocol, 'padding longer than its frame');
    const isEnd = (flags & flagEndStream) !== 0;
    if ((flags & flagEndHeaders) !== 0) {
      this.#connection.onHead(streamId, this.#decoder.decode(bytes, at, end), isEnd);
      return;
    }
    this.#begun = { streamId, isEnd, parts: [Buffer.from(bytes.subarray(at, end))], bytes: end - at };
  }

  /** Bounded in number and in bytes (CVE-2024-27316 and its kin). */
  #onContinuation({ flags, streamId, bytes, at, end }: Frame): void {
    const begun = this.#begun;
    if (begun === undefined || begun.streamId !== streamId) throw misplaced('CONTINUATION');
    begun.parts.push(Buffer.from(bytes.subarray(at, end)));
    begun.bytes += end - at;
    if (begun.parts.length > blockFramesMax || begun.bytes > this.#blockBytesMax)
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'header block too large');
    if ((flags & flagEndHeaders) === 0) return;
    this.#begun = undefined;
    const block = Buffer.concat(begun.parts, begun.bytes);
    this.#connection.onHead(streamId, this.#decoder.decode(block, 0, block.length), begun.isEnd);
  }

  #onReset({ streamId, bytes, at, end }: Frame): void {
    if (streamId === 0) throw misplaced('RST_STREAM');
    if (end - at !== 4) throw wrongSize('RST_STREAM');
    const connection = this.#connection;
    connection.checkKnown(streamId);
    const stream = connection.streams.get(streamId);
    // CVE-2023-44487: begun and reset, again and again.
    if (!connection.isClient) connection.noteMischief();
    stream?.close(bytes.readUInt32BE(at));
  }

  #onPing({ streamId, flags, bytes, at, end }: Frame): void {
    if (streamId !== 0) throw misplaced('PING');
    if (end - at !== 8) throw wrongSize('PING');
    if ((flags & flagAck) === 0) this.#connection.onPing(bytes, at);
    else this.#connection.onPong();
  }

  #onSettings({ streamId, flags, bytes, at, end }: Frame): void {
    if (streamId !== 0) throw misplaced('SETTINGS');
    if ((flags & flagAck) !== 0) {
      if (at !== end) throw wrongSize('SETTINGS');
      if (!this.#hasSettings) throw misplaced('acknowledgement before SETTINGS');
      return;
    }
    this.#hasSettings = true;
    this.#connection.applySettings(bytes, at, end);
  }

  #onGoaway({ streamId, bytes, at, end }: Frame): void {
    if (streamId !== 0) throw misplaced('GOAWAY');
    if (end - at < 8) throw wrongSize('GOAWAY');
    this.#connection.goneAway(bytes.readUInt32BE(at) & idMask, bytes.readUInt32BE(at + 4));
  }

  #onWindowUpdate({ streamId, bytes, at, end }: Frame): void {
    if (end - at !== 4) throw wrongSize('WINDOW_UPDATE');
    this.#connection.windowUpdated(streamId, bytes.readUInt32BE(at) & idMask);
  }

  /** Deprecated (section 5.3.2) and of no effect, but it has a form. */
  #onPriority(frame: Frame): void {
    if (frame.streamId === 0) throw misplaced('PRIORITY');
    this.#connection.noteMischief();
    if (frame.end - frame.at !== priorityBytes) {
      const stream = this.#connection.streams.get(frame.streamId);
      if (stream === undefined) throw wrongSize('PRIORITY');
      stream.reset(errorCodes.frameSize);
      return;
    }
    this.#checkPriority(frame, frame.at);
  }

  #checkPriority({ bytes, streamId }: Frame, at: number): void {
    if ((bytes.readUInt32BE(at) & idMask) === streamId)
      throw new ConnectionFault(errorCodes.protocol, 'stream that depends on itself');
  }
}

function misplaced(what: string): ConnectionFault {
  return new ConnectionFault(errorCodes.protocol, `${what} where it may not be`);
}

function wrongSize(what: string): ConnectionFault {
  return new ConnectionFault(errorCodes.frameSize, `length of ${what}`);
}
