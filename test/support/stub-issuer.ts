import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A key pair with the algorithm that it signs with here. */
export interface StubKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** An issuer over real HTTP on loopback, whose every part a test can change while it runs. */
export interface StubIssuer {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Entries of the key set, as published. */
  keys: unknown[];
  discovery: Record<string, unknown>;
  /** Answers in place of the documents where it is set. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export async function startStubIssuer(keys: readonly StubKey[]): Promise<StubIssuer> {
  const server = createServer((request, response) => {
    stub.asked.push(request.url ?? '');
    if (stub.answer !== undefined) return stub.answer(request, response);
    const body = request.url === '/jwks' ? { keys: stub.keys } : stub.discovery;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stub: StubIssuer = {
    url,
    asked: [],
    keys: keys.map((key) => jwkOf(key)),
    discovery: { issuer: url, jwks_uri: `${url}/jwks` },
    answer: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return stub;
}

export function stubKey(kid: string, alg = 'ES256'): StubKey {
  if (alg === 'EdDSA') return { kid, alg, ...generateKeyPairSync('ed25519') };
  if (alg.startsWith('ES')) return { kid, alg, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
  return { kid, alg, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

/** As an issuer publishes it; `undefined` in `changes` takes a member away. */
export function jwkOf({ publicKey, kid, alg }: StubKey, changes: object = {}): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...changes };
}

/** A compact JWS. `payload` and `header` as objects, or as the very text to encode. */
export function signToken(payload: object | string, key: StubKey, header: object | string = {}): string {
  const head = typeof header === 'string' ? header : { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
  const input = `${encode(head)}.${encode(payload)}`;
  return `${input}.${signature(input, key).toString('base64url')}`;
}

export function encode(value: object | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function signature(input: string, { alg, privateKey }: StubKey): Buffer {
  const bytes = Buffer.from(input);
  if (alg === 'EdDSA') return sign(null, bytes, privateKey);
  if (alg.startsWith('ES')) return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  if (alg.startsWith('RS')) return sign('sha256', bytes, privateKey);
  return sign('sha256', bytes, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
}
