import type { AddressPlan } from '../plan/types.ts';
import { printHostPort } from '../std/host-port.ts';

/** Loopback in 127.0.0.0/8, written out; the browser's own parser turns every other spelling into this one. */
const loopback4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const httpPort = 80;

/**
 * Whether a Host field means this machine: the admin address itself, `localhost`, or a loopback literal, with the port it listens
 * on. A page of somebody else's whose name is pointed at loopback (DNS rebinding) sends that name. A client of HTTP/1.0 may
 * send none, a browser never does.
 */
export function isOwnHost(host: string | undefined, address: AddressPlan): boolean {
  if (host === undefined) return true;
  const given = host.toLowerCase();
  const suffix = `:${address.port}`;
  const isWhole = given.endsWith(suffix);
  if (!isWhole && address.port !== httpPort) return false;
  const name = isWhole ? given.slice(0, -suffix.length) : given;
  const own = printHostPort(address).toLowerCase().slice(0, -suffix.length);
  return name === own || name === 'localhost' || name === '[::1]' || loopback4.test(name);
}
