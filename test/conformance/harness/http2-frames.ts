import { connect } from 'node:net';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const data = 0;
const headers = 1;
const reset = 3;
const settings = 4;
const goAway = 7;
const endStream = 1;
const endHeaders = 4;

export type Fields = readonly (readonly [name: string, value: string])[];

/** One frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A length with a prefix of seven bits (RFC 7541, section 5.1). */
function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** Literal fields, no table, no Huffman: any bytes at all, which no honest client would send. */
function block(fields: Fields): Buffer {
  const texts = fields.flatMap(([name, value]) => [Buffer.from([0]), ...[name, value].flatMap(text)]);
  return Buffer.concat(texts);
}

function text(value: string): Buffer[] {
  const bytes = Buffer.from(value, 'latin1');
  return [length(bytes.length), bytes];
}

/** A request on a stream of its own; `ends` false: its stream stays open. */
export function requestFrame(stream: number, fields: Fields, ends = true): Buffer {
  return frame(headers, endHeaders | (ends ? endStream : 0), stream, block(fields));
}

export function dataFrame(stream: number, body: string): Buffer {
  return frame(data, 0, stream, Buffer.from(body, 'latin1'));
}

/** Sends frames on a connection of their own, one after the other, until so many streams have ended, or 3 s have passed. */
export function sendFrames(port: number, frames: readonly Buffer[], streams = 1): Promise<void> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const socket = connect(port, '127.0.0.1', async () => {
      socket.write(Buffer.concat([preface, frame(settings, 0, 0, Buffer.alloc(0))]));
      for (const each of frames) {
        socket.write(each);
        await new Promise((done) => setTimeout(done, 20));
      }
    });
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (endsIn(received) >= streams) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
  });
}

/** Ends of streams, or of the whole connection, in whole frames. */
function endsIn(bytes: Buffer): number {
  let ends = 0;
  for (let at = 0; at + 9 <= bytes.length; ) {
    const next = at + 9 + bytes.readUIntBE(at, 3);
    if (next > bytes.length) break;
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5);
    if (type === goAway) return Number.POSITIVE_INFINITY;
    if (type === reset || ((type === data || type === headers) && (flags & endStream) !== 0)) ends += 1;
    at = next;
  }
  return ends;
}
