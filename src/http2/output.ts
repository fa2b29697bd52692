import type { Socket } from 'node:net';
import { flagEndHeaders, flagEndStream, frameContinuation, frameHeadBytes, frameHeaders } from './codes.ts';
import { slabBytes, socketBytesMax } from './limits.ts';
import type { Slab, Turn } from './turn.ts';

const noBytes = Buffer.alloc(0);

/**
 * What a connection writes. Everything is copied behind each other, and all that was written in one turn of the event loop leaves by one
 * write (large amounts by several). Copying is cheap beside what memory costs that the garbage collector has to free.
 */
export class Output {
  readonly #socket: Socket;
  readonly #turn: Turn;
  /** Held only while something is to be written: from `#from` to `#at`. */
  #slab: Slab | undefined;
  #memory: Buffer = noBytes;
  #from = 0;
  #at = 0;
  #isScheduled = false;
  /** What of was written and had not left at once. */
  readonly #underway: Slab[] = [];

  constructor(socket: Socket, turn: Turn) {
    this.#socket = socket;
    this.#turn = turn;
  }

  /** Bytes that are not written yet. */
  get bytes(): number {
    return this.#at - this.#from + this.#socket.writableLength;
  }

  /** Payloads have to wait for the socket's `drain`. */
  get isFull(): boolean {
    if (this.#at - this.#from >= socketBytesMax) this.flush();
    return this.#socket.writableLength >= socketBytesMax;
  }

  frameHead(length: number, type: number, flags: number, streamId: number): void {
    this.#room(frameHeadBytes);
    const memory = this.#memory;
    const at = this.#at;
    memory[at] = length >> 16;
    memory[at + 1] = length >> 8;
    memory[at + 2] = length;
    memory[at + 3] = type;
    memory[at + 4] = flags;
    memory[at + 5] = streamId >> 24;
    memory[at + 6] = streamId >> 16;
    memory[at + 7] = streamId >> 8;
    memory[at + 8] = streamId;
    this.#at = at + frameHeadBytes;
  }

  uint32(value: number): void {
    this.#room(4);
    this.#at = this.#memory.writeUInt32BE(value, this.#at);
  }

  uint16(value: number): void {
    this.#room(2);
    this.#at = this.#memory.writeUInt16BE(value, this.#at);
  }

  /** A header block, in as many frames as it takes. */
  block(block: Buffer, length: number, { streamId, isLast, frameBytes }: BlockOptions): void {
    let at = 0;
    do {
      const end = Math.min(length, at + frameBytes);
      const flags = (at === 0 && isLast ? flagEndStream : 0) | (end === length ? flagEndHeaders : 0);
      this.frameHead(end - at, at === 0 ? frameHeaders : frameContinuation, flags, streamId);
      this.copy(block, at, end);
      at = end;
    } while (at < length);
  }

  copy(from: Buffer, at: number, end: number): void {
    this.#room(end - at);
    from.copy(this.#memory, this.#at, at, end);
    this.#at += end - at;
  }

  /** Writes what there is now. */
  flush(): void {
    this.#isScheduled = false;
    const slab = this.#slab;
    if (slab === undefined) return;
    const socket = this.#socket;
    const bytes = this.#memory.subarray(this.#from, this.#at);
    slab.at = this.#at;
    this.#slab = undefined;
    this.#memory = noBytes;
    this.#from = 0;
    this.#at = 0;
    if (bytes.length > 0 && socket.writable) socket.write(bytes);
    const isWritten = socket.writableLength === 0;
    if (isWritten) this.drained();
    else this.#underway.push(slab);
    this.#turn.giveBack(slab, isWritten);
  }

  /** All that was written has left. */
  drained(): void {
    if (this.#underway.length > 0) for (const slab of this.#underway.splice(0)) this.#turn.written(slab);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#memory.length) return;
    if (this.#slab !== undefined) this.flush();
    if (bytes > slabBytes) throw new RangeError('more than a slab holds');
    const slab = this.#turn.slab(bytes);
    this.#slab = slab;
    this.#memory = slab.bytes;
    this.#from = slab.at;
    this.#at = slab.at;
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
