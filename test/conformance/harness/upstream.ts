import { createServer } from 'node:http';
import { closeServer, listen } from './issuer.ts';

/** What one replica was sent. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** Name (lower case) and value in turn, as they arrived. */
  readonly headers: readonly string[];
  readonly body: string;
  /** Trailer fields, as `headers`. */
  readonly trailers: readonly string[];
}

export interface RecordingUpstream {
  readonly port: number;
  /** Requests by Headgate's request id. */
  readonly seen: Map<string, Seen>;
  close(): Promise<void>;
}

/** A replica that answers every request with a small JSON document and remembers what it was sent. */
export async function startRecordingUpstream(name: string): Promise<RecordingUpstream> {
  const seen = new Map<string, Seen>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
      const body = Buffer.concat(chunks).toString();
      const id = String(request.headers['x-headgate-request-id']);
      const { method = '', url: target = '', rawTrailers: trailers } = request;
      seen.set(id, { method, target, headers, body, trailers });
      response.setHeader('content-type', 'application/json').setHeader('x-replica', name);
      response.end(JSON.stringify({ predictions: [body.length] }));
    });
  });
  const port = await listen(server);
  return { port, seen, close: () => closeServer(server) };
}
