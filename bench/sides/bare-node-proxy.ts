import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';

/**
 * The leanest proxy that Node alone makes: node:http in, undici's dispatch with raw fields out, small bodies held and written
 * once. It knows nobody and logs nothing. Run as: node bare-node-proxy.ts PORT UPSTREAM_PORT
 */
const [port, upstreamPort] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 64, pipelining: 1 });
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding']);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => forward(request, response, chunks));
});
server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

function forward(request: IncomingMessage, response: ServerResponse, chunks: readonly Buffer[]): void {
  const body = chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks);
  const received: Buffer[] = [];
  let fields: string[] = [];
  let status = 502;
  pool.dispatch(
    { path: request.url ?? '/', method: request.method ?? 'GET', headers: endToEnd(request.rawHeaders), body },
    {
      onConnect() {},
      onHeaders(statusCode, rawHeaders) {
        status = statusCode;
        fields = endToEnd(rawHeaders.map((field) => field.toString('latin1')));
        return true;
      },
      onData(chunk) {
        received.push(chunk);
        return true;
      },
      onComplete() {
        response.writeHead(status, fields);
        response.end(received.length === 1 ? received[0] : Buffer.concat(received));
      },
      onError() {
        response.writeHead(502).end();
      },
    },
  );
}

function endToEnd(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (!ofConnection.has(name.toLowerCase())) kept.push(name, fields[at + 1] ?? '');
  }
  return kept;
}
