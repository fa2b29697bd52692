import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressPlan } from '../plan/types.ts';
import { printHostPort } from '../std/host-port.ts';
import { isOwnHost } from './admin-host.ts';
import { ControlFault, messageOf, systemCode } from './fault.ts';

export interface AdminPage {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Makes one page: path → page. */
export type AdminPages = Readonly<Record<string, () => Promise<AdminPage>>>;

export interface Admin {
  readonly address: AddressPlan;
  close(): Promise<void>;
}

const requestTimeoutMs = 10_000;
const connectionsMax = 64;

/** The operator's HTTP server: read-only pages, bound to loopback by the compiler. Throws `address-taken`. */
export async function startAdmin(address: AddressPlan, pages: AdminPages): Promise<Admin> {
  let own = address;
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    const page = isOwnHost(request.headers.host, own) ? pageFor(pages, request) : misdirected();
    void page.then((found) => answer(found, request, response));
  });
  server.maxConnections = connectionsMax;
  await listen(server, address);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  own = { host: address.host, port };
  return {
    address: own,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: AddressPlan): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const taken = systemCode(cause) === 'EADDRINUSE';
      const why = taken ? 'something else listens there' : messageOf(cause);
      const hint = 'is Headgate running already? Another address stands under `admin` in the environment';
      const code = taken ? 'address-taken' : 'start-failed';
      reject(
        new ControlFault(code, `can't listen on the admin address ${printHostPort({ host, port })}: ${why}`, {
          hint,
          cause,
        }),
      );
    });
    server.listen({ host, port, exclusive: true }, resolve);
  });
}

async function misdirected(): Promise<AdminPage> {
  return textPage(421, 'this is not the address of that host; call it localhost, or by its address, with the port');
}

function answer(page: AdminPage, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    ...(page.status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}

async function pageFor(pages: AdminPages, { method, url = '/' }: IncomingMessage): Promise<AdminPage> {
  const path = url.split('?', 1)[0] ?? '/';
  const make = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (make === undefined) return textPage(404, `no such page; there are ${Object.keys(pages).join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') return textPage(405, 'this page is read with GET');
  try {
    return await make();
  } catch (fault) {
    return textPage(500, messageOf(fault));
  }
}

/** A page of one sentence. */
export function textPage(status: number, text: string): AdminPage {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

/** A page for programs. */
export function jsonPage(value: unknown, type = 'application/json'): AdminPage {
  return { status: 200, type, body: `${JSON.stringify(value, null, 2)}\n` };
}
