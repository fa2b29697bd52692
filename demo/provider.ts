import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, type Grant, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { machineSecret, machines, people, peoplesClient } from './accounts.ts';
import { memoryAdapter } from './provider-memory.ts';

/** What tokens are for: a resource indicator is a URI (RFC 8707), the audience is the policy's word. */
const resource = 'urn:headgate';
const audience = 'headgate';
const tokenSeconds = 8 * 3600;

export interface RunningProvider {
  readonly issuer: string;
  close(): Promise<void>;
}

/**
 * A real OpenID Provider (`oidc-provider`) on loopback: machines use client credentials, people sign in with the
 * authorization code flow. Access tokens are JWTs for `headgate`, with the groups of people in them. Keys are new each time.
 */
export async function startProvider(port: number): Promise<RunningProvider> {
  const server = createServer();
  await listen(server, port);
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, await configuration());
  const answer = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/login/')) void login(provider, request, response);
    else void answer(request, response);
  });
  return {
    issuer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function configuration(): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: randomBytes(6).toString('hex'), use: 'sig', alg: 'RS256' };
  return {
    adapter: memoryAdapter(),
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    clients: clients(),
    findAccount: (_context, id) =>
      people[id] === undefined ? undefined : { accountId: id, claims: () => ({ sub: id }) },
    interactions: { url: (_context, interaction) => `/login/${interaction.uid}` },
    loadExistingGrant: grantOf,
    extraTokenClaims: (_context, token) =>
      'accountId' in token ? { groups: people[token.accountId ?? ''] ?? [] } : undefined,
    ttl: {
      AccessToken: tokenSeconds,
      IdToken: tokenSeconds,
      ClientCredentials: tokenSeconds,
      Grant: tokenSeconds,
      Session: tokenSeconds,
      Interaction: 600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'call',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}

function clients(): NonNullable<Configuration['clients']> {
  const machine = (id: string) => ({
    client_id: id,
    client_secret: machineSecret(id),
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  });
  const forPeople = {
    client_id: peoplesClient.id,
    token_endpoint_auth_method: 'none' as const,
    grant_types: ['authorization_code'],
    redirect_uris: [peoplesClient.redirectUri],
    response_types: ['code' as const],
  };
  return [...machines.map(machine), forPeople];
}

/** One's own client needs no consent: whoever has signed in has granted. */
async function grantOf({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, provider } = oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid');
  grant.addResourceScope(resource, 'call');
  await grant.save();
  return grant;
}

/** The sign-in page: a name is enough, as this is a demo. */
async function login(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    const names = Object.keys(people).map((name) => `<button name="account" value="${name}">${name}</button>`);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html><title>Sign in</title><form method="post"><p>Sign in as ${names.join(' ')}</form>\n`);
    return;
  }
  const account = new URLSearchParams(await bodyOf(request)).get('account') ?? '';
  const result = people[account] === undefined ? { error: 'access_denied' } : { login: { accountId: account } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false }).catch(() => {
    response.writeHead(400).end('this sign-in has ended\n');
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 4096) break;
  }
  return text;
}
