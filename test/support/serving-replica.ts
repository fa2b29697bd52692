import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ModelState = 'LOADING' | 'AVAILABLE' | 'UNLOADING' | 'END';

/** A replica that tells its models' states as TensorFlow Serving's REST does, and answers only for versions that are AVAILABLE. */
export class ServingReplica {
  readonly host: string;
  readonly port: number;
  /** Model → version → state. A model that isn't here it doesn't have. */
  readonly models = new Map<string, Map<string, ModelState>>();
  /** Status questions that came. */
  checks = 0;
  /** Predictions that came, by what they were answered with. */
  readonly answered = new Map<number, number>();
  /** Ids of sequences that came. */
  readonly sequences = new Set<string>();
  /** Answers predictions with this instead. */
  failsWith: number | undefined;
  /** Answers predictions this much later. */
  delayMs = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.#server = server;
    this.host = address;
    this.port = port;
  }

  get name(): string {
    return `${this.host}:${this.port}`;
  }

  /** `port` 0: a free one. The whole of 127.0.0.0/8 is loopback. */
  static async start({ host = '127.0.0.1', port = 0 } = {}): Promise<ServingReplica> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    server.listen(port, host);
    await once(server, 'listening');
    const replica = new ServingReplica(server);
    server.on('request', (request, response) => {
      const sequence = request.headers['x-sequence-id'];
      if (typeof sequence === 'string') replica.sequences.add(sequence);
      request.resume().on('end', () => replica.#route(request.method ?? '', request.url ?? '', response));
    });
    return replica;
  }

  set(model: string, version: string, state: ModelState): this {
    const versions = this.models.get(model) ?? new Map<string, ModelState>();
    this.models.set(model, versions.set(version, state));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #route(method: string, url: string, response: ServerResponse): void {
    const [, model = '', version, verb] = /^\/v1\/models\/([^/:?]+)(?:\/versions\/(\d+))?(:predict)?/.exec(url) ?? [];
    const versions = this.models.get(model);
    response.setHeader('content-type', 'application/json').setHeader('x-replica', this.name);
    if (method === 'GET') {
      this.checks += 1;
      if (versions === undefined)
        response.writeHead(404).end(`{"error":"Could not find any versions of model ${model}"}`);
      else response.end(statusOf(versions));
      return;
    }
    const isThere = version === undefined ? hasAny(versions) : versions?.get(version) === 'AVAILABLE';
    const status = verb === undefined || !isThere ? 404 : (this.failsWith ?? 200);
    this.answered.set(status, (this.answered.get(status) ?? 0) + 1);
    const body = status === 200 ? '{"predictions":[1]}' : '{"error":"Servable not found for request"}';
    setTimeout(() => response.writeHead(status).end(body), this.delayMs);
  }
}

function hasAny(versions: ReadonlyMap<string, ModelState> | undefined): boolean {
  return versions !== undefined && [...versions.values()].includes('AVAILABLE');
}

function statusOf(versions: ReadonlyMap<string, ModelState>): string {
  const model_version_status = [...versions].map(([version, state]) => ({
    version,
    state,
    status: { error_code: 'OK', error_message: '' },
  }));
  return JSON.stringify({ model_version_status });
}
