import { connect, type Socket } from 'node:net';
import { ClientConnection, errorCodes, type Head, Turn } from '../http2/index.ts';
import type { Found } from '../traffic/index.ts';
import { systemCode } from './fault.ts';
import { readHealthAnswer } from './grpc-health-answer.ts';
import { type Failed, failed, gone, type HealthLine, type LineOptions, late } from './health-line.ts';

const path = '/grpc.health.v1.Health/Check';
const windowBytes = 65_535;
const answerBytesMax = 4096;
/** All lines share what they read into. */
const turn = new Turn();

export interface GrpcLineOptions extends LineOptions {
  /** Name of the service that is asked for; empty: the server as a whole. */
  readonly service: string;
}

/** A replica that is asked by `grpc.health.v1` (grpc/health/v1/health.proto), on one connection. */
export class GrpcHealthLine implements HealthLine {
  readonly #options: GrpcLineOptions;
  #connecting: Promise<ClientConnection> | undefined;
  #http2: ClientConnection | undefined;
  #isClosed = false;

  constructor(options: GrpcLineOptions) {
    this.#options = options;
  }

  async ask(): Promise<Found> {
    const { timeoutMs } = this.#options;
    const endMs = performance.now() + timeoutMs;
    try {
      const http2 = await this.#open();
      return await this.#check(http2, Math.max(1, endMs - performance.now()));
    } catch (fault) {
      return fault instanceof HealthFault ? fault.found : failed(String(fault));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#http2?.destroy();
    void this.#connecting?.then((http2) => http2.destroy()).catch(() => undefined);
  }

  #open(): Promise<ClientConnection> | ClientConnection {
    if (this.#http2?.isOpen) return this.#http2;
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  #connect(): Promise<ClientConnection> {
    const { address, timeoutMs } = this.#options;
    const { hostname, port } = new URL(`http://${address}`);
    return new Promise<ClientConnection>((resolve, reject) => {
      const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), noDelay: true });
      const timer = setTimeout(() => {
        reject(new HealthFault(late(timeoutMs)));
        socket.destroy();
      }, timeoutMs);
      socket.once('error', (fault) => reject(new HealthFault(failedToConnect(fault))));
      socket.once('close', () => {
        clearTimeout(timer);
        reject(new HealthFault(gone('the connection broke')));
      });
      socket.once('connect', () => {
        const http2 = this.#speak(socket, () => {
          clearTimeout(timer);
          this.#http2 = http2;
          resolve(http2);
        });
      });
    }).finally(() => {
      this.#connecting = undefined;
    });
  }

  #speak(socket: Socket, onReady: () => void): ClientConnection {
    const bounds = { streamsMax: 0, listBytesMax: 16_384, fieldsMax: 100 };
    const options = { turn, windowBytes, connectionWindowBytes: windowBytes, ...bounds };
    let isReady = false;
    const leave = (): void => {
      if (this.#http2 === http2) this.#http2 = undefined;
    };
    const http2 = new ClientConnection(socket, options, {
      onReady: () => {
        isReady = true;
        onReady();
      },
      onGoaway: leave,
      onClosed: () => {
        leave();
        if (isReady && !this.#isClosed) this.#options.onBroken();
      },
    });
    return http2;
  }

  #check(http2: ClientConnection, leftMs: number): Promise<Found> {
    const { address, service, timeoutMs } = this.#options;
    return new Promise((resolve) => {
      const answer = { httpStatus: 0, fields: [] as readonly string[], chunks: [] as Buffer[], bytes: 0 };
      const settle = (found: Found): void => {
        clearTimeout(timer);
        resolve(found);
      };
      const stream = http2.request({
        fields: requestFields(address, leftMs),
        events: {
          onHead: (head) => {
            if (head.status < 200) return;
            answer.httpStatus = head.status;
            answer.fields = head.fields;
          },
          onData: (chunk) => {
            answer.bytes += chunk.length;
            if (answer.bytes <= answerBytesMax) answer.chunks.push(Buffer.from(chunk));
          },
          onEnd: (trailers) => settle(foundIn(answer, trailers, service)),
          onRoom: () => undefined,
          // After the end, too; what was settled stays.
          onClose: () => settle(gone('the connection broke')),
        },
      });
      const timer = setTimeout(() => {
        stream?.abandon(errorCodes.cancel);
        settle(late(timeoutMs));
      }, leftMs);
      if (stream === undefined) settle(gone('the connection broke'));
      else stream.end(questionOf(service));
    });
  }
}

/** Carries what a check came to. */
class HealthFault extends Error {
  override readonly name = 'HealthFault';
  readonly found: Failed;

  constructor(found: Failed) {
    super(found.why);
    this.found = found;
  }
}

function failedToConnect(fault: Error): Failed {
  const code = systemCode(fault);
  if (code === 'ECONNREFUSED') return gone('connection refused');
  return code === 'ECONNRESET' || code === 'EPIPE' ? gone('the connection broke') : failed(fault.message);
}

function requestFields(authority: string, leftMs: number): readonly string[] {
  const pseudo = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', authority];
  const timeout = `${Math.ceil(leftMs)}m`;
  return [...pseudo, 'te', 'trailers', 'content-type', 'application/grpc', 'grpc-timeout', timeout];
}

/** `HealthCheckRequest { service = 1 }` in its frame; a name is at most 255 bytes long. */
function questionOf(service: string): Buffer {
  const name = Buffer.from(service);
  const length = name.length < 0x80 ? Buffer.of(name.length) : Buffer.of((name.length & 0x7f) | 0x80, name.length >> 7);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.of(0x0a), length, name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

interface Collected {
  readonly httpStatus: number;
  readonly fields: readonly string[];
  readonly chunks: readonly Buffer[];
}

function foundIn({ httpStatus, fields, chunks }: Collected, trailers: Head | undefined, service: string): Found {
  const last = trailers?.fields ?? fields;
  const grpcStatus = fieldIn(last, 'grpc-status');
  const grpcMessage = fieldIn(last, 'grpc-message');
  return readHealthAnswer({ httpStatus, grpcStatus, grpcMessage, body: Buffer.concat(chunks) }, service);
}

function fieldIn(fields: readonly string[], name: string): string | undefined {
  const at = fields.findIndex((text, index) => index % 2 === 0 && text === name);
  return at < 0 ? undefined : fields[at + 1];
}
