import { createHash, randomBytes } from 'node:crypto';
import { machineSecret, peoplesClient } from './accounts.ts';

/** Access token of a machine: client credentials (RFC 6749, section 4.4). */
export async function machineToken(issuer: string, client: string): Promise<string> {
  const credentials = Buffer.from(`${client}:${machineSecret(client)}`).toString('base64');
  return tokenFrom(issuer, { grant_type: 'client_credentials' }, { authorization: `Basic ${credentials}` });
}

/** Access token of a person: authorization code with PKCE (RFC 7636), as a browser goes through it. */
export async function personToken(issuer: string, account: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const code = await codeFor(issuer, account, createHash('sha256').update(verifier).digest('base64url'));
  return tokenFrom(issuer, {
    grant_type: 'authorization_code',
    client_id: peoplesClient.id,
    redirect_uri: peoplesClient.redirectUri,
    code,
    code_verifier: verifier,
  });
}

async function codeFor(issuer: string, account: string, challenge: string): Promise<string> {
  const asked = new URLSearchParams({
    client_id: peoplesClient.id,
    redirect_uri: peoplesClient.redirectUri,
    response_type: 'code',
    scope: 'openid call',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const browser = new Browser();
  let step = await browser.go(new URL(`/auth?${asked}`, issuer));
  // Sign in, then follow wherever the provider leads until it leads back to the client.
  if (step.pathname.startsWith('/login/')) step = await browser.go(step, new URLSearchParams({ account }));
  for (let redirects = 0; redirects < 5 && !step.href.startsWith(peoplesClient.redirectUri); redirects += 1) {
    step = await browser.go(step);
  }
  const code = step.searchParams.get('code');
  if (code === null) throw new Error(`${account} could not sign in: ${step.searchParams.get('error') ?? step.href}`);
  return code;
}

/** Keeps cookies, and says where each answer leads. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async go(url: URL, form?: URLSearchParams): Promise<URL> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form && { method: 'POST', body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location === null) throw new Error(`${url.pathname} answered ${response.status} and leads nowhere`);
    return new URL(location, url);
  }
}

async function tokenFrom(
  issuer: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(form), headers });
  const answer = (await response.json()) as { access_token?: string; error?: string; error_description?: string };
  if (answer.access_token !== undefined) return answer.access_token;
  throw new Error(`no token: ${answer.error ?? response.status} ${answer.error_description ?? ''}`);
}
