import { StreamClient } from '../../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../../test/support/stream-upstream.ts';

/**
 * Program of a process: both peers of one call that sends many messages each way. Told the engine's port, it makes the call; it says
 * its replica's port first, and at the end what came.
 */

/** How many bytes go each way. */
export interface Flood {
  readonly port: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

export interface Flooded {
  readonly status: string | undefined;
  readonly upBytes: number;
  readonly downBytes: number;
}

const frame = Buffer.alloc(50_005, 7);
frame[0] = 0;
frame.writeUInt32BE(50_000, 1);

interface Writer {
  write(bytes: Buffer): boolean;
  end(): void;
}

/** Writes so many bytes in whole messages, as fast as there is room; what is returned goes on. */
function flood(to: Writer, bytes: number): () => void {
  let left = Math.ceil(bytes / frame.length);
  return () => {
    while (left > 0) {
      left -= 1;
      if (!to.write(frame)) return;
    }
    to.end();
  };
}

async function run({ port, upBytes, downBytes }: Flood): Promise<Flooded> {
  let came = 0;
  upstream.serve = (served) => {
    served.begin();
    served.onData = (chunk) => {
      came += chunk.length;
    };
    served.onRoom = flood({ write: (sent) => served.send(sent), end: () => served.end(0) }, downBytes);
    served.onEnd = () => served.onRoom();
  };
  using client = await StreamClient.open(port);
  const call = client.call({ path: '/acme.orders.v1.Orders/Watch' });
  call.onData = () => undefined;
  call.onRoom = flood({ write: (sent) => call.write(sent), end: () => call.end() }, upBytes);
  call.onRoom();
  while (call.code === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  return { status: call.status, upBytes: came, downBytes: call.bytesIn };
}

const upstream = await startStreamUpstream();
process.on('message', (asked: Flood) => {
  void run(asked).then((flooded) => process.send?.(flooded));
});
process.on('disconnect', () => process.exit());
process.send?.(upstream.port);
