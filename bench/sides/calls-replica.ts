import { createServer } from 'node:net';
import { type Head, ServerConnection, type Stream, Turn } from '../../src/http2/index.ts';

/**
 * A gRPC service over h2c, on our own HTTP/2, which is leaner than Node's. By the end of a call's path: `Hold` is answered with a head
 * and stays open, `Watch16000of64000000` gets so many bytes of messages of that size, whatever else is answered with one message once
 * it has come to its end. Run as: node calls-replica.ts PORT
 */
const turn = new Turn();
const head = [':status', '200', 'content-type', 'application/grpc'];
const trailers = ['grpc-status', '0'];
const answer = Buffer.from('\0\0\0\0\x0c\x0a\x0ascores0001', 'latin1');
const pieceBytes = 64_000;

createServer({ noDelay: true }, (socket) => {
  const bounds = { streamsMax: 1000, listBytesMax: 65_536, fieldsMax: 100 };
  const windows = { windowBytes: 2 ** 20, connectionWindowBytes: 2 ** 24 };
  new ServerConnection(socket, { turn, ...bounds, ...windows }, { onStream: serve, onClosed: () => undefined });
}).listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

function serve(stream: Stream, { path = '' }: Head): void {
  const [, messageBytes, bytes] = /Watch(\d+)of(\d+)$/.exec(path)?.map(Number) ?? [];
  const flood = messageBytes === undefined || bytes === undefined ? undefined : new Flood(stream, messageBytes, bytes);
  const isHeld = path.endsWith('Hold');
  stream.events = {
    onHead: () => undefined,
    onData: () => undefined,
    onEnd() {
      if (flood !== undefined || isHeld) return;
      stream.head(head);
      stream.end(answer, trailers);
    },
    onRoom: () => flood?.goOn(),
    onClose: () => undefined,
  };
  stream.resume();
  if (flood === undefined && !isHeld) return;
  stream.head(head);
  flood?.goOn();
}

/** Messages, as fast as they are taken. */
class Flood {
  readonly #stream: Stream;
  readonly #message: Buffer;
  #at = 0;
  #left: number;

  constructor(stream: Stream, messageBytes: number, bytes: number) {
    this.#stream = stream;
    this.#message = messageOf(messageBytes);
    this.#left = bytes;
  }

  goOn(): void {
    while (this.#left > 0) {
      const piece = this.#message.subarray(this.#at, this.#at + Math.min(pieceBytes, this.#left));
      this.#left -= piece.length;
      this.#at = (this.#at + piece.length) % this.#message.length;
      if (!this.#stream.write(piece)) return;
    }
    this.#stream.end(undefined, trailers);
  }
}

/** Several in a row, where they are small. */
function messageOf(bytes: number): Buffer {
  const message = Buffer.alloc(bytes, 'x');
  message.writeUIntBE(bytes - 5, 0, 5);
  return Buffer.concat(Array.from({ length: Math.max(1, Math.floor(pieceBytes / bytes)) }, () => message));
}
