import { isIPv4, isIPv6 } from 'node:net';

/** A network address. `host` is an IPv4 address, an IPv6 address without brackets, or a DNS name in lower case. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What is wrong with an address, as the end of the sentence “this address …”. */
export interface HostPortFault {
  readonly fault: string;
}

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. The port is 0 to 65535; whether 0 makes sense is the caller's to say. */
export function parseHostPort(text: string): HostPort | HostPortFault {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { fault: 'is a URL: leave out the scheme' };
  if (isIPv6(text)) return { fault: 'lacks a port, or its IPv6 address lacks the brackets' };
  const match = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text);
  if (match === null) return { fault: text.includes(':') ? 'is not a host, a colon and a port' : 'lacks a port' };
  const host = parseHost(match[1] ?? '');
  if (typeof host !== 'string') return host;
  const port = parsePort(match[2] ?? '');
  return typeof port === 'number' ? { host, port } : port;
}

/** Writes an address as `parseHostPort` reads it. */
export function printHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether nothing outside this machine can reach the host: 127.0.0.0/8, ::1, `localhost`. A host without brackets. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return new URL(`http://[${host}]`).hostname === '[::1]';
  return host.toLowerCase() === 'localhost';
}

/** Whether this is a DNS name: labels of letters, digits, hyphen and underscore; the last one not a number (RFC 1123, 2.1). */
export function isDnsName(text: string): boolean {
  const labels = text.toLowerCase().split('.');
  return text.length <= 253 && labels.every((each) => label.test(each)) && !/^[0-9]+$/.test(labels.at(-1) ?? '');
}

/** Whether a host is an address already: none that has to be looked up. */
export function isIpAddress(host: string): boolean {
  return isIPv4(host) || isIPv6(host);
}

function parseHost(written: string): string | HostPortFault {
  if (written === '') return { fault: 'lacks a host' };
  if (written.startsWith('[')) {
    const inner = written.slice(1, -1);
    return isIPv6(inner) && !inner.includes('%')
      ? inner.toLowerCase()
      : { fault: 'holds no IPv6 address in its brackets' };
  }
  if (isIPv4(written)) return written;
  return isDnsName(written)
    ? written.toLowerCase()
    : { fault: 'has a host that is neither an IP address nor a DNS name' };
}

function parsePort(written: string): number | HostPortFault {
  if (written === '') return { fault: 'lacks a port' };
  if (!/^(0|[1-9][0-9]{0,4})$/.test(written) || Number(written) > 65_535) {
    return { fault: 'has a port that is not a whole number from 0 to 65535' };
  }
  return Number(written);
}
