import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AddressPlan, Plan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';

/** Where calls are handed over, in the folder of sockets. */
export const assistSocketFile = 'assist.sock';

/** The kernel's bound is 107 characters; the rest is for the file's name. */
const directoryCharactersMax = 70;

/**
 * A folder for sockets: the engine's own, or one under the temporary folder where that one's path is too long for a socket. The
 * same in each life, so that a life finds the sockets of the one before. Throws where that folder is somebody else's.
 */
export function socketDirectory(plan: Pick<Plan, 'state'>): string {
  const own = resolve(plan.state, 'haproxy');
  mkdirSync(own, { recursive: true, mode: 0o700 });
  if (own.length <= directoryCharactersMax) return own;
  const short = join(tmpdir(), `headgate-${createHash('sha256').update(own).digest('hex').slice(0, 20)}`);
  mkdirSync(short, { recursive: true, mode: 0o700 });
  const found = lstatSync(short);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new Error(`${short} would hold the sockets of ${own}, and others may write there`);
  }
  return short;
}

/** Where calls are handed over. */
export function assistSocketOf(plan: Pick<Plan, 'state'>): string {
  return join(socketDirectory(plan), assistSocketFile);
}

export interface Settling {
  /** Where the process before listens, by listener. */
  readonly known: Readonly<Record<string, AddressPlan>>;
  /** Processes of an earlier life may hold the sockets, and hand them over. */
  readonly isInherited: boolean;
  /** Listeners whose sockets are there already. */
  readonly handedOver?: Readonly<Record<string, unknown>>;
}

/**
 * Addresses of the Plan's listeners, with a free port where it leaves the port open; `known` ones stay. Rejects with EADDRINUSE
 * where somebody else listens: HAProxy would share the port with another HAProxy, and each would get half of the connections.
 */
export async function settleAddresses(
  plan: Plan,
  { known, isInherited, handedOver = {} }: Settling,
): Promise<Record<string, AddressPlan>> {
  const addresses: Record<string, AddressPlan> = {};
  const held = new Set(Object.values(known).map(printHostPort));
  for (const { name, address } of plan.listeners) {
    const before = known[name];
    if (Object.hasOwn(handedOver, name)) addresses[name] = address;
    else if (address.port !== 0) {
      if (!isInherited && !held.has(printHostPort(address))) await bindOnce(address.host, address.port);
      addresses[name] = address;
    } else addresses[name] = before?.host === address.host ? before : await freePort(address.host);
  }
  return addresses;
}

function freePort(host: string): Promise<AddressPlan> {
  return bindOnce(host, 0);
}

/** Listens for a moment, alone. */
async function bindOnce(host: string, wanted: number): Promise<AddressPlan> {
  const server = createServer();
  await new Promise<void>((done, fail) =>
    server.once('error', fail).listen({ host, port: wanted, exclusive: true }, done),
  );
  const bound = server.address();
  await new Promise((done) => server.close(done));
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return { host, port: bound.port };
}
