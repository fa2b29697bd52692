import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A caller as a case names it. A caller with `client` and no subject is a machine. */
export interface CallerSpec {
  readonly subject?: string;
  readonly groups?: readonly string[];
  readonly client?: string;
}

/** In what shape the caller's credential is sent. Every form but the first three is refused, each for a reason of its own. */
export const credentialForms = [
  'valid',
  'lower-case-scheme',
  'none',
  'expired',
  'not-yet-valid',
  'wrong-audience',
  'wrong-issuer',
  'bad-signature',
  'unknown-kid',
  'alg-none',
  'alg-hs256',
  'wrong-type',
  'unknown-crit',
  'no-expiry',
  'duplicate-claim',
  'padded',
  'two-parts',
  'empty-token',
  'basic-scheme',
  'two-credentials',
  'proxy-authorization',
] as const;

export type CredentialForm = (typeof credentialForms)[number];

export interface TestIssuer {
  readonly url: string;
  /** Header fields, name and value in turn, that carry this caller's credential in this form. */
  credential(caller: CallerSpec, form: CredentialForm): string[];
  close(): Promise<void>;
}

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** An issuer that can also mint what no honest issuer would. Discovery and JWKS over real HTTP on loopback. */
export async function startTestIssuer(audience: string): Promise<TestIssuer> {
  const key = newKey();
  const stranger = newKey();
  const server = createServer((request, response) => {
    const body = request.url === '/jwks' ? { keys: [jwk(key)] } : { issuer: url, jwks_uri: `${url}/jwks` };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  const minted = new Map<string, string[]>();
  return {
    url,
    credential: (caller, form) => {
      const name = JSON.stringify([caller, form]);
      const known = minted.get(name);
      if (known !== undefined) return known;
      const fields = mint({ url, audience, key, stranger }, caller, form);
      minted.set(name, fields);
      return fields;
    },
    close: () => closeServer(server),
  };
}

function newKey(): Key {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid: randomUUID(), ...pair };
}

function jwk(key: Key): object {
  return { ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: 'ES256', use: 'sig' };
}

interface Mint {
  readonly url: string;
  readonly audience: string;
  readonly key: Key;
  readonly stranger: Key;
}

type Claims = Record<string, unknown>;

function claimsOf(issuer: Mint, caller: CallerSpec): Claims {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const person = caller.subject === undefined ? {} : { sub: caller.subject, groups: caller.groups ?? [] };
  const machine = caller.client === undefined ? {} : { sub: caller.client, client_id: caller.client };
  return { iss: issuer.url, aud: issuer.audience, iat: nowSeconds, exp: nowSeconds + 3600, ...machine, ...person };
}

/** What each form changes of an honest token. */
function mint(issuer: Mint, caller: CallerSpec, form: CredentialForm): string[] {
  const claims = claimsOf(issuer, caller);
  const header = { alg: 'ES256', kid: issuer.key.kid, typ: 'at+jwt' };
  const good = (changes: Claims, head: object = {}): string[] =>
    bearer(signed({ ...header, ...head }, JSON.stringify({ ...claims, ...changes }), issuer.key));
  switch (form) {
    case 'valid':
      return good({});
    case 'lower-case-scheme':
      return ['authorization', good({})[1]?.replace('Bearer', 'bearer') ?? ''];
    case 'none':
      return [];
    case 'expired':
      return good({ exp: Number(claims.iat) - 3600 });
    case 'not-yet-valid':
      return good({ nbf: Number(claims.iat) + 3000 });
    case 'wrong-audience':
      return good({ aud: 'somebody-else' });
    case 'wrong-issuer':
      return good({ iss: 'https://issuer.invalid' });
    case 'bad-signature':
      return bearer(signed(header, JSON.stringify(claims), issuer.stranger));
    case 'unknown-kid':
      return good({}, { kid: 'nobody' });
    case 'alg-none':
      return bearer(`${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`);
    case 'alg-hs256':
      return bearer(hmacSigned({ alg: 'HS256', kid: issuer.key.kid }, claims, issuer.key));
    case 'wrong-type':
      return good({}, { typ: 'logout+jwt' });
    case 'unknown-crit':
      return good({}, { crit: ['x-unheard-of'], 'x-unheard-of': true });
    case 'no-expiry':
      return good({ exp: undefined });
    case 'duplicate-claim':
      return bearer(signed(header, JSON.stringify(claims).replace('{', '{"sub":"root",'), issuer.key));
    case 'padded':
      return [`authorization`, `${good({})[1]}=`];
    case 'two-parts':
      return bearer(good({})[1]?.split(' ')[1]?.split('.').slice(0, 2).join('.') ?? '');
    case 'empty-token':
      return ['authorization', 'Bearer'];
    case 'basic-scheme':
      return ['authorization', `Basic ${Buffer.from('root:root').toString('base64')}`];
    case 'two-credentials':
      return [...good({}), ...good({ sub: 'somebody-else' })];
    case 'proxy-authorization':
      return [...good({}), 'proxy-authorization', 'Basic cm9vdDpyb290'];
    default:
      return form satisfies never;
  }
}

function bearer(token: string): string[] {
  return ['authorization', `Bearer ${token}`];
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signed(header: object, payload: string, key: Key): string {
  const input = `${encode(header)}.${Buffer.from(payload).toString('base64url')}`;
  const signature = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** The classic confusion: an HMAC whose secret is the public key. */
function hmacSigned(header: object, claims: Claims, key: Key): string {
  const input = `${encode(header)}.${encode(claims)}`;
  const secret = key.publicKey.export({ format: 'pem', type: 'spki' });
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** Listens on a free loopback port and returns it. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
