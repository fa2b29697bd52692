import { connect } from 'node:net';

export interface Flood {
  readonly port: number;
  /** The bytes of the next call. */
  readonly make: () => string;
  readonly calls: number;
  readonly withinMs: number;
}

export interface Flooded {
  /** Calls that were answered. */
  readonly calls: number;
  readonly statuses: ReadonlyMap<number, number>;
  readonly tookMs: number;
}

const connections = 8;
/** Calls of a connection that are on their way at once. */
const depth = 32;

/** As many calls as go, pipelined on a few connections, until there were enough or the time is over. */
export async function flood({ port, make, calls, withinMs }: Flood): Promise<Flooded> {
  const beganMs = performance.now();
  const statuses = new Map<number, number>();
  let made = 0;
  let answered = 0;
  const isOver = (): boolean => made >= calls || performance.now() - beganMs > withinMs;
  const count = (status: number): void => {
    answered += 1;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  const take = (): string => {
    made += 1;
    return make();
  };
  await Promise.all(Array.from({ length: connections }, () => flow({ port, take, isOver, count })));
  return { calls: answered, statuses, tookMs: performance.now() - beganMs };
}

interface Flow {
  readonly port: number;
  readonly take: () => string;
  readonly isOver: () => boolean;
  readonly count: (status: number) => void;
}

/** One connection after another: a gateway may end one whenever it likes. */
async function flow(options: Flow): Promise<void> {
  while (!options.isOver()) await connection(options);
}

function connection({ port, take, isOver, count }: Flow): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let waiting = 0;
    let rest = '';
    const send = (): void => {
      let bytes = '';
      for (; waiting < depth && !isOver(); waiting += 1) bytes += take();
      if (bytes !== '') socket.write(bytes);
      else if (waiting === 0) socket.end();
    };
    socket.setEncoding('latin1').setTimeout(5000, () => socket.destroy());
    socket.on('connect', send);
    socket.on('data', (text: string) => {
      const seen = rest + text;
      // A body of ours holds no such words.
      for (const [, status] of seen.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        waiting -= 1;
        count(Number(status));
      }
      const last = seen.lastIndexOf('HTTP/1.1');
      rest =
        last >= 0 && seen.length - last < 13 ? seen.slice(last) : seen.slice(-8).replaceAll(/HTTP\/1\.1 \d{3} /g, '');
      if (waiting <= depth / 2) send();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
  });
}
