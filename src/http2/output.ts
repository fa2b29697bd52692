import type { Socket } from 'node:net';
import { flagEndHeaders, flagEndStream, frameContinuation, frameHeadBytes, frameHeaders } from './codes.ts';
import { copiedBytesMax, socketBytesMax } from './limits.ts';
import type { Slab, Turn } from './turn.ts';

const noBytes = Buffer.alloc(0);

/**
 * What a connection writes. All frames of one turn of the event loop leave by one write; small ones are copied behind each other,
 * large payloads are written as they are.
 */
export class Output {
  readonly #socket: Socket;
  readonly #turn: Turn;
  #memory: Slab | undefined;
  #slab: Buffer = noBytes;
  /** What is to be written: the slab from `#from` to `#at`, after `#parts`. */
  #from = 0;
  #at = 0;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isScheduled = false;

  constructor(socket: Socket, turn: Turn) {
    this.#socket = socket;
    this.#turn = turn;
  }

  /** Bytes that are not written yet. */
  get bytes(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** Payloads have to wait for the socket's `drain`. */
  get isFull(): boolean {
    if (this.#bytes < socketBytesMax) return this.#socket.writableLength >= socketBytesMax;
    this.flush();
    return this.#socket.writableLength >= socketBytesMax;
  }

  frameHead(length: number, type: number, flags: number, streamId: number): void {
    this.#room(frameHeadBytes);
    const slab = this.#slab;
    const at = this.#at;
    slab[at] = length >> 16;
    slab[at + 1] = length >> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >> 24;
    slab[at + 6] = streamId >> 16;
    slab[at + 7] = streamId >> 8;
    slab[at + 8] = streamId;
    this.#at = at + frameHeadBytes;
    this.#bytes += frameHeadBytes;
  }

  uint32(value: number): void {
    this.#room(4);
    this.#at = this.#slab.writeUInt32BE(value, this.#at);
    this.#bytes += 4;
  }

  uint16(value: number): void {
    this.#room(2);
    this.#at = this.#slab.writeUInt16BE(value, this.#at);
    this.#bytes += 2;
  }

  /** A header block, in as many frames as it takes. */
  block(block: Buffer, length: number, { streamId, isLast, frameBytes }: BlockOptions): void {
    let at = 0;
    do {
      const end = Math.min(length, at + frameBytes);
      const flags = (at === 0 && isLast ? flagEndStream : 0) | (end === length ? flagEndHeaders : 0);
      this.frameHead(end - at, at === 0 ? frameHeaders : frameContinuation, flags, streamId);
      this.#copy(block, at, end);
      at = end;
    } while (at < length);
  }

  payload(chunk: Buffer, at: number, end: number): void {
    if (end - at <= copiedBytesMax) {
      this.#copy(chunk, at, end);
      return;
    }
    this.#cut();
    this.#parts.push(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    this.#bytes += end - at;
    this.#schedule();
  }

  flush(): void {
    this.#isScheduled = false;
    const socket = this.#socket;
    if (this.#bytes === 0) return;
    this.#bytes = 0;
    const parts = this.#parts;
    if (parts.length === 0) {
      const bytes = this.#slab.subarray(this.#from, this.#at);
      this.#leave();
      if (socket.writable) socket.write(bytes);
      return;
    }
    this.#cut();
    this.#leave();
    this.#parts = [];
    if (!socket.writable) return;
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  }

  #copy(from: Buffer, at: number, end: number): void {
    this.#room(end - at);
    from.copy(this.#slab, this.#at, at, end);
    this.#at += end - at;
    this.#bytes += end - at;
  }

  /** Closes what stands in the slab, so that something else can follow it. */
  #cut(): void {
    if (this.#at > this.#from) this.#parts.push(this.#slab.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  #room(bytes: number): void {
    this.#schedule();
    if (this.#at + bytes <= this.#slab.length) return;
    this.#cut();
    const memory = this.#turn.slab(bytes);
    this.#memory = memory;
    this.#slab = memory.bytes;
    this.#from = memory.at;
    this.#at = memory.at;
    if (this.#at + bytes > this.#slab.length) this.#room(bytes);
  }

  #leave(): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    memory.at = this.#at;
    this.#turn.giveBack(memory);
    this.#memory = undefined;
    this.#slab = noBytes;
    this.#from = 0;
    this.#at = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#turn.add(this);
  }
}

interface BlockOptions {
  readonly streamId: number;
  readonly isLast: boolean;
  /** The largest frame that the peer takes. */
  readonly frameBytes: number;
}
