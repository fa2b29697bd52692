import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const typeA = 1;
const typeAaaa = 28;

/** A name server on loopback whose answers a test changes. */
export class DnsServer {
  /** `127.0.0.1:5353` */
  readonly address: string;
  /** IPv4 addresses by name; a name that isn't here doesn't exist. */
  readonly names = new Map<string, readonly string[]>();
  /** Time to live of answers. */
  ttlSeconds = 1;
  /** Answers nothing but that it failed. */
  isFailing = false;
  /** Questions that came, as `A models.test`. */
  readonly asked: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on('message', (question, from) => socket.send(this.#answer(question), from.port, from.address));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  /** RFC 1035, section 4: the question, and a record for each address. */
  #answer(question: Buffer): Buffer {
    let at = 12;
    const labels: string[] = [];
    for (let length = question[at] as number; length > 0; length = question[at] as number) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = question.readUInt16BE(at + 1);
    const end = at + 5;
    const name = labels.join('.').toLowerCase();
    this.asked.push(`${type === typeA ? 'A' : type === typeAaaa ? 'AAAA' : type} ${name}`);
    const known = this.names.get(name);
    const addresses = type === typeA && !this.isFailing ? (known ?? []) : [];
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    const code = this.isFailing ? 2 : known === undefined ? 3 : 0;
    head.writeUInt16BE(0x8180 + code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(addresses.length, 6);
    return Buffer.concat([head, question.subarray(12, end), ...addresses.map((address) => this.#record(address))]);
  }

  #record(address: string): Buffer {
    const record = Buffer.alloc(16);
    // The name stands in the question.
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(typeA, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(this.ttlSeconds, 6);
    record.writeUInt16BE(4, 10);
    Buffer.from(address.split('.').map(Number)).copy(record, 12);
    return record;
  }
}
