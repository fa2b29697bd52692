import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  readSpopFrame,
  type SpopAction,
  SpopError,
  type SpopFrame,
  type SpopList,
  type SpopMessage,
  SpopSplitter,
  spopFrameBytes,
} from '../../wire/index.ts';

/** Longest frame that is read; HAProxy's own bound is its buffer, 32 kB. */
const frameBytesMax = 65_536;
/** Connections of HAProxy processes at once. */
const connectionsMax = 256;
/** SPOE.txt, section 3.3: status codes of a disconnection. */
const statusNormal = 0n;
const statusInvalid = 4n;

/** Answers one message. A rejection leaves the question without variables, which HAProxy answers with 503. */
export type Answer = (message: SpopMessage) => Promise<readonly SpopAction[]>;

/** The agent that HAProxy asks on a miss (SPOE): a server on a unix socket, mode 0600. Errors go to `log`. */
export class GateAgent {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(path: string, answer: Answer, log: (line: string) => void): Promise<GateAgent> {
    rmSync(path, { force: true });
    const server = createServer();
    const agent = new GateAgent(server);
    server.maxConnections = connectionsMax;
    server.on('connection', (socket) => agent.#serve(socket, answer, log));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    chmodSync(path, 0o600);
    return agent;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: Socket, answer: Answer, log: (line: string) => void): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // HAProxy closes idle connections as it likes, and none of it is ours to mend.
    socket.on('error', () => socket.destroy());
    const splitter = new SpopSplitter(frameBytesMax);
    socket.on('data', (chunk) => {
      try {
        for (const frame of splitter.push(chunk)) receive(socket, readSpopFrame(frame), answer, log);
      } catch (error) {
        if (!(error instanceof SpopError)) throw error;
        log(`haproxy: a frame from SPOE could not be read: ${error.message}`);
        socket.end(spopFrameBytes(disconnect(statusInvalid, error.message)));
      }
    });
  }
}

function receive(socket: Socket, frame: SpopFrame, answer: Answer, log: (line: string) => void): void {
  switch (frame.kind) {
    case 'haproxy-hello':
      hello(socket, frame.list);
      return;
    case 'haproxy-disconnect':
      socket.end(spopFrameBytes(disconnect(statusNormal, 'bye')));
      return;
    case 'notify':
      void acknowledge(socket, frame, answer, log);
      return;
    default:
      throw new SpopError(`a frame that only agents send: ${frame.kind}`);
  }
}

function hello(socket: Socket, list: SpopList): void {
  const asked = new Map(list);
  const size = asked.get('max-frame-size');
  const frameBytes = size?.kind === 'uint32' && size.value < BigInt(frameBytesMax) ? size.value : BigInt(frameBytesMax);
  const reply: SpopFrame = {
    kind: 'agent-hello',
    list: [
      ['version', { kind: 'string', value: '2.0' }],
      ['max-frame-size', { kind: 'uint32', value: frameBytes }],
      ['capabilities', { kind: 'string', value: 'pipelining' }],
    ],
  };
  const check = asked.get('healthcheck');
  if (check?.kind === 'boolean' && check.value) socket.end(spopFrameBytes(reply));
  else socket.write(spopFrameBytes(reply));
}

async function acknowledge(
  socket: Socket,
  { streamId, frameId, messages }: Extract<SpopFrame, { kind: 'notify' }>,
  answer: Answer,
  log: (line: string) => void,
): Promise<void> {
  let actions: readonly SpopAction[] = [];
  try {
    actions = (await Promise.all(messages.map(answer))).flat();
  } catch (error) {
    log(`haproxy: a question of SPOE could not be answered: ${error instanceof Error ? error.message : error}`);
  }
  if (socket.writable) socket.write(spopFrameBytes({ kind: 'ack', streamId, frameId, actions }));
}

function disconnect(status: bigint, message: string): SpopFrame {
  return {
    kind: 'agent-disconnect',
    list: [
      ['status-code', { kind: 'uint32', value: status }],
      ['message', { kind: 'string', value: message }],
    ],
  };
}
