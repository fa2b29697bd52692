import type { Socket } from 'node:net';
import {
  ConnectionFault,
  defaultWindowBytes,
  errorCodes,
  flagAck,
  frameGoaway,
  frameHeadBytes,
  framePing,
  frameRstStream,
  frameSettings,
  frameWindowUpdate,
  settingEnablePush,
  settingInitialWindowSize,
  settingMaxConcurrentStreams,
  settingMaxHeaderListSize,
  windowBytesMax,
} from './codes.ts';
import type { Head } from './head.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { controlBytesMax, lingerMs, resetStreamsMax } from './limits.ts';
import { Mischief } from './mischief.ts';
import { Output } from './output.ts';
import { Peer } from './peer.ts';
import type { Pieces } from './pieces.ts';
import { readInto } from './read-into.ts';
import { Receiver } from './receiver.ts';
import type { Stream } from './stream.ts';
import type { Turn } from './turn.ts';

export interface ConnectionOptions {
  readonly turn: Turn;
  /** What the peer may send on one stream, and on all together, before it is told to anybody. */
  readonly windowBytes: number;
  readonly connectionWindowBytes: number;
  /** Streams that the peer may have open. */
  readonly streamsMax: number;
  /** Names, values and 32 bytes for each field of a head. */
  readonly listBytesMax: number;
  readonly fieldsMax: number;
  /**
   * The peer passes on what others do, and each reset of theirs is one of its own: it may reset as many streams as it likes. It is not told
   * to stop sending on a stream that has ended before its client has.
   */
  readonly isCarrier?: boolean;
}

export interface BlockOptions {
  readonly isLast: boolean;
  readonly sensitive?: ReadonlySet<string> | undefined;
}

/** One side of a connection of HTTP/2 (RFC 9113) on a socket that is open. */
export abstract class Connection {
  abstract readonly isClient: boolean;
  readonly socket: Socket;
  readonly output: Output;
  readonly peer = new Peer();
  readonly streams = new Map<number, Stream>();
  readonly windowBytes: number;
  readonly options: ConnectionOptions;
  /** Bytes of DATA that may still be sent, and received, on all streams together. */
  sendLeft = defaultWindowBytes;
  receiveLeft = defaultWindowBytes;
  /** The highest stream that the peer has begun (a server), or that we have (a client). */
  lastId = 0;
  /** The highest that the peer may take for served, once it was told to go: that never grows again. */
  #servedId = windowBytesMax;
  isClosed = false;
  /** When anything last came: milliseconds of `performance.now()`. */
  movedMs = performance.now();
  /** For who looks whether the peer is there: when it was last asked, and how often it was looked for its answer since. */
  readonly asked = { ms: Number.NEGATIVE_INFINITY, looks: 0 };
  /** HEADERS or DATA were sent since the last PING of the peer. */
  hasSpoken = false;
  /** Nothing is begun any more. */
  protected isLeaving = false;
  readonly #receiver: Receiver;
  readonly #encoder = new HpackEncoder();
  readonly #mischief = new Mischief();
  /** Streams that were reset, by us: what was on its way is passed over. */
  readonly #reset = new Set<number>();
  #waiting: Stream[] = [];
  #credit = 0;
  #pongs: (() => void)[] = [];
  /** Of answers to PING and SETTINGS, since nothing waited in the socket. */
  #answerBytes = 0;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket;
    this.options = options;
    this.windowBytes = options.windowBytes;
    this.output = new Output(socket, options.turn);
    this.#receiver = new Receiver(this, options);
    socket.setNoDelay(true);
  }

  /** A head, or trailers, where a stream begins or ends. False: the stream is to be refused. */
  abstract onHead(id: number, head: Head, isEnd: boolean): void;
  /** The peer's settings are here, or have changed. */
  protected onSettings(): void {}
  protected onGoaway(_lastId: number, _code: number): void {}
  protected onClosed(): void {}

  get pieces(): Pieces {
    return this.options.turn.pieces;
  }

  /** Says first what has to be said, and listens. */
  protected start(): void {
    const { output, options, socket } = this;
    const settings: [number, number][] = [
      [settingInitialWindowSize, options.windowBytes],
      [settingMaxHeaderListSize, options.listBytesMax],
      this.isClient ? [settingEnablePush, 0] : [settingMaxConcurrentStreams, options.streamsMax],
    ];
    output.frameHead(6 * settings.length, frameSettings, 0, 0);
    for (const [name, value] of settings) {
      output.uint16(name);
      output.uint32(value);
    }
    this.receiveLeft = options.connectionWindowBytes;
    this.sendWindow(0, options.connectionWindowBytes - defaultWindowBytes);
    socket.on('drain', () => {
      if (socket.writableLength === 0) output.drained();
      this.#pump();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    readInto(socket, options.turn.readBuffer, (chunk) => this.#onData(chunk));
  }

  /** Ends gently: open streams go on to their end. */
  close(): void {
    if (this.isLeaving || this.isClosed) return;
    this.isLeaving = true;
    this.#sayLast(errorCodes.none);
    this.endIfIdle();
  }

  /** Ends at once. */
  destroy(code: number = errorCodes.none): void {
    if (this.isClosed) return;
    this.#sayLast(code);
    this.#finish();
  }

  /** Asks for a sign of life. */
  ping(then: () => void): void {
    if (this.isClosed) return;
    this.#pongs.push(then);
    this.output.frameHead(8, framePing, 0, 0);
    this.output.uint32(0);
    this.output.uint32(0);
  }

  onPong(): void {
    this.#pongs.shift()?.();
  }

  /** A peer may measure how fast we send as often as we do; keep-alive of its own is seldom. */
  onPing(bytes: Buffer, at: number): void {
    this.#answerable(8);
    if (!this.hasSpoken) this.noteMischief();
    this.hasSpoken = false;
    this.output.frameHead(8, framePing, flagAck, 0);
    this.output.uint32(bytes.readUInt32BE(at));
    this.output.uint32(bytes.readUInt32BE(at + 4));
  }

  /** SETTINGS of the peer. */
  applySettings(bytes: Buffer, at: number, end: number): void {
    this.#answerable(0);
    const { peer } = this;
    const before = peer.windowBytes;
    peer.read(bytes, at, end, this.isClient);
    this.#encoder.resize(peer.tableBytes);
    this.output.frameHead(0, frameSettings, flagAck, 0);
    const more = peer.windowBytes - before;
    if (more !== 0) for (const stream of [...this.streams.values()]) this.#widen(stream, more);
    this.onSettings();
  }

  goneAway(lastId: number, code: number): void {
    this.isLeaving = true;
    this.onGoaway(lastId, code);
    this.endIfIdle();
  }

  windowUpdated(id: number, bytes: number): void {
    if (id === 0) {
      if (bytes === 0) throw new ConnectionFault(errorCodes.protocol, 'WINDOW_UPDATE of nothing');
      this.sendLeft += bytes;
      if (this.sendLeft > windowBytesMax) throw new ConnectionFault(errorCodes.flowControl, 'window too large');
      this.#pump();
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) this.checkKnown(id);
    else if (bytes === 0) this.breach(stream, errorCodes.protocol);
    else if (!stream.widen(bytes, windowBytesMax)) this.breach(stream, errorCodes.flowControl);
  }

  /** The peer has broken a rule on a stream. */
  breach(stream: Stream, code: number): void {
    this.noteMischief();
    stream.reset(code);
  }

  noteMischief(): void {
    if (this.options.isCarrier !== true && !this.#mischief.note(performance.now()))
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'too much for nothing');
  }

  /** Throws where a frame is for a stream that nobody has begun. */
  checkKnown(id: number): void {
    const isOurs = id % 2 === (this.isClient ? 1 : 0);
    if (this.isClient !== isOurs || id > this.lastId)
      throw new ConnectionFault(errorCodes.protocol, 'frame of a stream that was not begun');
  }

  /** Whether what comes of a stream that is closed was sent before the peer could know. */
  wasReset(id: number): boolean {
    return this.#reset.has(id);
  }

  /** Room for payload of DATA, in bytes: as much as one frame holds. */
  sendAllowed(): number {
    return this.output.isFull || this.isClosed ? 0 : Math.min(this.sendLeft, this.peer.frameBytes);
  }

  wait(stream: Stream): void {
    if (stream.isWaiting) return;
    stream.isWaiting = true;
    this.#waiting.push(stream);
    if (this.sendAllowed() > 0) setImmediate(() => this.#pump());
  }

  /** `sensitive`: names of fields that may enter no table. */
  sendBlock(stream: Stream, fields: readonly string[], { isLast, sensitive }: BlockOptions): boolean {
    const encoder = this.#encoder;
    this.hasSpoken = true;
    encoder.begin();
    let isSendable = true;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at] as string;
      isSendable = encoder.add(name, fields[at + 1] as string, sensitive?.has(name)) && isSendable;
    }
    // What is in the peer's table by now has to be sent in any case.
    const options = { streamId: stream.id, isLast: isLast && isSendable, frameBytes: this.peer.frameBytes };
    this.output.block(encoder.block, encoder.length, options);
    return isSendable;
  }

  sendReset(id: number, code: number): void {
    if (this.#reset.size >= resetStreamsMax) this.#reset.delete(this.#reset.values().next().value as number);
    this.#reset.add(id);
    this.output.frameHead(4, frameRstStream, 0, id);
    this.output.uint32(code);
  }

  sendWindow(id: number, bytes: number): void {
    if (bytes <= 0) return;
    this.output.frameHead(4, frameWindowUpdate, 0, id);
    this.output.uint32(bytes);
  }

  /** So many bytes have been told, or won't be. */
  credit(bytes: number): void {
    this.#credit += bytes;
    if (2 * this.#credit < this.options.connectionWindowBytes || this.isClosed) return;
    this.receiveLeft += this.#credit;
    this.sendWindow(0, this.#credit);
    this.#credit = 0;
  }

  /** The stream takes part in nothing any more. */
  forget(stream: Stream): void {
    if (this.streams.delete(stream.id)) this.endIfIdle();
  }

  protected sendGoaway(lastId: number, code: number): void {
    this.output.frameHead(8, frameGoaway, 0, 0);
    this.output.uint32(lastId);
    this.output.uint32(code);
  }

  #sayLast(code: number): void {
    this.#servedId = Math.min(this.#servedId, this.isClient ? 0 : this.lastId);
    this.sendGoaway(this.#servedId, code);
  }

  protected endIfIdle(): void {
    if (this.isLeaving && this.streams.size === 0 && !this.isClosed) this.#finish();
  }

  #onData(chunk: Buffer): void {
    if (this.isClosed) return;
    this.movedMs = performance.now();
    try {
      this.#receiver.push(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.destroy(error.code);
    }
  }

  /**
   * What is answered must not pile up before a peer that doesn't read (CVE-2019-9512, -9515). Payloads don't count: one that reads a
   * large answer slowly has as much of it waiting as may, and goes on measuring the line by PING.
   */
  #answerable(bytes: number): void {
    if (this.socket.writableLength === 0) this.#answerBytes = 0;
    this.#answerBytes += frameHeadBytes + bytes;
    if (this.#answerBytes > controlBytesMax)
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'answers are not read');
  }

  #widen(stream: Stream, bytes: number): void {
    if (!stream.widen(bytes, windowBytesMax)) throw new ConnectionFault(errorCodes.flowControl, 'window too large');
  }

  /** Those that wait, in turn. */
  #pump(): void {
    while (this.#waiting.length > 0 && this.sendAllowed() > 0) {
      const stream = this.#waiting.shift() as Stream;
      stream.isWaiting = false;
      stream.send();
    }
  }

  /** The peer has left, or was left. */
  #end(): void {
    if (!this.isClosed) this.#finish();
  }

  #finish(): void {
    this.isClosed = true;
    this.output.flush();
    const { socket } = this;
    for (const stream of [...this.streams.values()]) stream.close(errorCodes.internal);
    socket.end();
    // What the peer still sends is read for a while, because a reset would take our last words away from it.
    const late = setTimeout(() => socket.destroy(), lingerMs).unref();
    socket.once('end', () => socket.destroy());
    socket.once('close', () => clearTimeout(late));
    this.onClosed();
  }
}
