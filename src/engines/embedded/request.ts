import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { GateRequest } from '../../gate/index.ts';

export type Incoming = IncomingMessage | Http2ServerRequest;

/** The neutral request: raw target, raw fields, nothing normalised. `address` without the IPv4-in-IPv6 prefix. */
export function neutral(incoming: Incoming, listener: string, id: string): GateRequest {
  const headers = incoming.httpVersionMajor === 2 ? withoutPseudo(incoming.rawHeaders) : incoming.rawHeaders;
  const address = incoming.socket.remoteAddress ?? '';
  return {
    id,
    listener,
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    authority: authorityOf(incoming),
    headers,
    address: address.startsWith('::ffff:') ? address.slice(7) : address,
  };
}

function authorityOf(incoming: Incoming): string {
  if ('authority' in incoming && incoming.authority) return incoming.authority;
  return incoming.headers.host ?? '';
}

function withoutPseudo(raw: readonly string[]): string[] {
  return raw.filter((_text, index) => raw[index - (index % 2)]?.startsWith(':') !== true);
}

/** Always in the key: what can carry a credential, and Host, of which there may be too many. */
const keyed = new Set(['authorization', 'proxy-authorization', 'host']);

/**
 * Key of a kept decision: every byte of the request that the gate's answer can depend on. `\n` can't occur in a part, so
 * parts can't run into one another. `reads`: lower-case names of the fields that conditions read.
 */
export function keptKey(request: GateRequest, reads: readonly string[]): string {
  const query = request.target.indexOf('?');
  const path = query < 0 ? request.target : request.target.slice(0, query);
  let fields = '';
  const { headers } = request;
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (keyed.has(name) || reads.includes(name)) {
      fields += `${name}:${headers[index + 1]}\n`;
    }
  }
  return `${request.listener}\n${request.method}\n${path}\n${request.authority}\n${fields}`;
}
