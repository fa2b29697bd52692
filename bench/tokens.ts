import { createSign, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

export const audience = 'headgate';
/** The group that may predict; `role` says the same as one string, for proxies that can't read an array. */
export const callerGroup = 'finance-apps';

/** Signed tokens, one a line, each of another caller. */
export interface TokenFile {
  readonly file: string;
  readonly first: string;
}

export interface Issuer {
  readonly url: string;
  readonly publicKeyPem: string;
  readonly jwks: { readonly keys: readonly JsonWebKey[] };
  writeTokens(folder: string, count: number): TokenFile;
  close(): void;
}

/** An OpenID Provider as far as verifying needs one: discovery and keys. RS256, 2048 bits; about 650 bytes a token. */
export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = 'bench';
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] };
  const server = createServer((request, response) => {
    const issuer = `http://${request.headers.host}`;
    const known: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': discovery(issuer),
      '/jwks': jwks,
    };
    const answer = known[request.url ?? ''];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the issuer has no port');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    jwks,
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    writeTokens(folder, count) {
      const tokens = Array.from({ length: count }, (_, index) => signToken(privateKey, { kid, issuer: url, index }));
      const file = join(folder, 'tokens.txt');
      writeFileSync(file, `${tokens.join('\n')}\n`, { mode: 0o600 });
      return { file, first: tokens[0] ?? '' };
    },
    close: () => server.close(),
  };
}

function discovery(issuer: string): Readonly<Record<string, unknown>> {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function signToken(
  key: KeyObject,
  of: { readonly kid: string; readonly issuer: string; readonly index: number },
): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const header = encode({ alg: 'RS256', typ: 'JWT', kid: of.kid });
  const payload = encode({
    iss: of.issuer,
    aud: audience,
    sub: `scorer-${of.index}`,
    exp: nowSeconds + 7200,
    iat: nowSeconds,
    role: callerGroup,
    groups: [callerGroup, 'employees'],
  });
  const signature = createSign('RSA-SHA256').update(`${header}.${payload}`).sign(key, 'base64url');
  return `${header}.${payload}.${signature}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
