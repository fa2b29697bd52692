import { createServer, type ServerResponse } from 'node:http';
import { closeServer, listen } from './issuer.ts';

/** A request that a replica holds, until the test says how it ends. */
export interface HeldRequest {
  /** Headgate's id of it. */
  readonly id: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The gateway has let go of it. */
  isGone: boolean;
  /** Once; nothing where it was answered before. */
  answer(body: string, fields?: Readonly<Record<string, string>>): void;
  /** Begins an answer and closes the connection within it. */
  breakOff(begun: string): void;
  /** Closes the connection without an answer. */
  reset(): void;
}

export interface HeldUpstream {
  readonly port: number;
  /** In order of arrival, their bodies whole. */
  readonly requests: HeldRequest[];
  /** Answers each from now on as it comes, and what is held. */
  release(how: (request: HeldRequest) => void): void;
  /** Holds again; forgets what came. */
  hold(): void;
  close(): Promise<void>;
}

/** A replica that holds every request, so that a test knows what is in flight. */
export async function startHeldUpstream(): Promise<HeldUpstream> {
  const requests: HeldRequest[] = [];
  let release: ((request: HeldRequest) => void) | undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: target = '', headers } = request;
      const held = heldRequest(response, { target, headers, body: Buffer.concat(chunks).toString('latin1') });
      requests.push(held);
      release?.(held);
    });
  });
  const port = await listen(server);
  return {
    port,
    requests,
    release(how) {
      release = how;
      for (const request of requests) how(request);
    },
    hold() {
      release = undefined;
      requests.length = 0;
    },
    close() {
      server.closeAllConnections();
      return closeServer(server);
    },
  };
}

function heldRequest(response: ServerResponse, seen: Pick<HeldRequest, 'target' | 'headers' | 'body'>): HeldRequest {
  const held: HeldRequest = {
    ...seen,
    id: String(seen.headers['x-headgate-request-id']),
    isGone: false,
    answer: (body, fields = {}) => {
      if (response.headersSent || response.destroyed) return;
      response.writeHead(200, { 'content-type': 'application/json', ...fields });
      response.end(body);
    },
    breakOff: (begun) => {
      if (!response.headersSent) response.writeHead(200);
      response.write(begun, () => response.socket?.destroy());
    },
    reset: () => void response.socket?.destroy(),
  };
  response.once('close', () => {
    held.isGone = !response.writableFinished;
  });
  return held;
}
