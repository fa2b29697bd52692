import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { frameData, frameGoaway, frameHeaders, framePing, frameRstStream, frameSettings } from '../codes.ts';
import { HpackDecoder } from '../hpack-decoder.ts';
import { frame, framesOf, preface, type Seen, settings, uint32 } from './frames.ts';

/** What has come on one stream. */
export interface RawAnswer {
  /** Blocks of fields, the first of them with `:status`; names and values in turn. */
  readonly heads: Readonly<Record<string, string>>[];
  bytes: number;
  isEnded: boolean;
  /** Code of its RST_STREAM. */
  reset: number | undefined;
}

/** A connection on which any frames can be sent and whose answers are read; it acknowledges SETTINGS and PING, and grants no windows. */
export class RawCalls implements Disposable {
  readonly socket: Socket;
  readonly answers = new Map<number, RawAnswer>();
  /** Code of its GOAWAY. */
  goaway: number | undefined;
  isClosed = false;
  #rest: Buffer = Buffer.alloc(0);
  readonly #decoder = new HpackDecoder({ listBytesMax: 1_000_000, fieldsMax: 1000 });

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** `initial`: pairs of SETTINGS, of six bytes each. */
  static async open(port: number, initial: Buffer = Buffer.alloc(0)): Promise<RawCalls> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const raw = new RawCalls(socket);
    raw.send(preface, initial.length === 0 ? settings : frame(frameSettings, 0, 0, initial));
    return raw;
  }

  /** False: the other side doesn't take it at the moment. */
  send(...frames: readonly Buffer[]): boolean {
    return this.isClosed || this.socket.write(Buffer.concat(frames));
  }

  /** What has come on a stream once it is ended, or the connection is. Rejects after some time. */
  async answerOf(streamId: number, withinMs = 10_000): Promise<RawAnswer> {
    const endMs = Date.now() + withinMs;
    for (;;) {
      const answer = this.#answerOf(streamId);
      if (answer.isEnded || answer.reset !== undefined || this.isClosed) return answer;
      if (Date.now() > endMs) throw new Error(`stream ${streamId} has no end: ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const frames = framesOf(bytes);
    const read = frames.reduce((sum, { payload }) => sum + 9 + payload.length, 0);
    this.#rest = bytes.subarray(read);
    for (const each of frames) this.#take(each);
  }

  #take({ type, flags, streamId, payload }: Seen): void {
    if (type === frameSettings && (flags & 1) === 0) this.send(frame(frameSettings, 1, 0));
    else if (type === framePing && (flags & 1) === 0) this.send(frame(framePing, 1, 0, payload));
    else if (type === frameGoaway) this.goaway = payload.readUInt32BE(4);
    else if (type === frameRstStream) this.#answerOf(streamId).reset = payload.readUInt32BE(0);
    else if (type === frameData || type === frameHeaders) {
      const answer = this.#answerOf(streamId);
      if (type === frameData) answer.bytes += payload.length;
      else answer.heads.push(this.#fields(payload));
      answer.isEnded ||= (flags & 1) !== 0;
    }
  }

  #fields(payload: Buffer): Record<string, string> {
    const head = this.#decoder.decode(payload, 0, payload.length);
    const found: Record<string, string> = head.status === 0 ? {} : { ':status': String(head.status) };
    for (let at = 0; at < head.fields.length; at += 2) found[head.fields[at] ?? ''] = head.fields[at + 1] ?? '';
    return found;
  }

  #answerOf(streamId: number): RawAnswer {
    const answer = this.answers.get(streamId) ?? { heads: [], bytes: 0, isEnded: false, reset: undefined };
    this.answers.set(streamId, answer);
    return answer;
  }
}

/** SETTINGS_… and its value. */
export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(0, id), uint32(value)]);
}
