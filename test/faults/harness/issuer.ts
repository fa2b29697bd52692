import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { jwkOf, type StubKey, signToken, stubKey } from '../../support/stub-issuer.ts';
import { freePort } from './ports.ts';

/** An issuer that can be down, come back on the same port, and rotate its key. */
export class FaultIssuer {
  readonly url: string;
  /** How often its key set was asked for. */
  keySetsAsked = 0;
  readonly #port: number;
  #server: Server | undefined;
  #key: StubKey = stubKey('first');

  private constructor(port: number) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** It is down at first. */
  static async make(): Promise<FaultIssuer> {
    return new FaultIssuer(await freePort());
  }

  async up(): Promise<void> {
    const server = createServer((request, response) => {
      if (request.url === '/jwks') this.keySetsAsked += 1;
      const body =
        request.url === '/jwks' ? { keys: [jwkOf(this.#key)] } : { issuer: this.url, jwks_uri: `${this.url}/jwks` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  /** From now on it publishes, and signs with, another key only. */
  rotate(kid: string): void {
    this.#key = stubKey(kid);
  }

  /** Authorization of a caller who is in group `users`, unless groups are given. Each one made anew. */
  credential(subject: string, changes: object = {}, header: object = {}): string[] {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = { iss: this.url, aud: 'headgate', sub: subject, iat: nowSeconds, exp: nowSeconds + 3600 };
    const token = signToken({ ...claims, groups: ['users'], jti: crypto.randomUUID(), ...changes }, this.#key, header);
    return ['authorization', `Bearer ${token}`];
  }
}
