import { type Agent, request } from 'node:http';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Name (lower case) and value in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

export interface Call {
  readonly port: number;
  readonly method: string;
  readonly target: string;
  /** Name and value in turn. Host is `headgate.test` unless given. */
  readonly headers: readonly string[];
  readonly body?: string;
  readonly agent?: Agent;
  /** Address of this machine that it comes from. */
  readonly from?: string;
}

/** One well-formed request through Node's own client; duplicates of a field stay duplicates. */
export function send(call: Call): Promise<Answer> {
  const named = call.headers.some((text, index) => index % 2 === 0 && text.toLowerCase() === 'host');
  const length = call.body === undefined ? [] : ['content-length', String(Buffer.byteLength(call.body))];
  const headers = [...(named ? [] : ['host', 'headgate.test']), ...call.headers, ...length];
  return new Promise((resolve, reject) => {
    const { port, method, target, agent, from } = call;
    const sending = request({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      headers,
      ...(agent && { agent }),
      ...(from !== undefined && { localAddress: from }),
      setHost: false,
    });
    sending.on('error', reject);
    sending.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const fields = response.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
        resolve({ status: response.statusCode ?? 0, headers: fields, body: Buffer.concat(chunks).toString() });
      });
    });
    sending.end(call.body);
  });
}

/** Sends exact bytes on a connection of their own and reads until the other side closes (or 5 s have passed). */
export function sendRaw(port: number, bytes: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')));
    const chunks: Buffer[] = [];
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => (chunks.length > 0 ? undefined : reject(error)));
    socket.on('close', () => resolve(readAnswer(Buffer.concat(chunks).toString('latin1'))));
  });
}

/** Reads one answer that ended with its connection. */
export function readAnswer(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') };
}

/** First value of a field, by lower-case name. */
export function field(headers: readonly string[], name: string): string | undefined {
  const index = headers.findIndex((text, position) => position % 2 === 0 && text === name);
  return index < 0 ? undefined : headers[index + 1];
}
