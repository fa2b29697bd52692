import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A free port below those that the kernel gives to outgoing connections, so that it stays free while nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 30_000);
    const server = createServer();
    const settled = Promise.race([once(server, 'listening'), once(server, 'error')]);
    server.listen(port, '127.0.0.1');
    await settled;
    if (!server.listening) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
