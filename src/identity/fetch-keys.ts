import { documentBytesMax, fetchTimeoutMs } from './limits.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

export type Fetch = typeof globalThis.fetch;

/**
 * Entries of an issuer's key set, found by its discovery document (OpenID Connect Discovery 1.0, section 4).
 * Rejects with a sentence for the operator: the issuer can't be reached, answers oddly, or is another one.
 */
export async function fetchKeyEntries(issuer: string, fetch: Fetch): Promise<readonly unknown[]> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  const discovery = await fetchObject(discoveryUrl(issuer), { fetch, signal });
  if (discovery.issuer !== issuer) throw new Error('the discovery document names another issuer');
  const keysUrl = discovery.jwks_uri;
  if (typeof keysUrl !== 'string' || !isAllowedUrl(keysUrl, issuer)) {
    throw new Error('the discovery document has no jwks_uri that is https, or http on loopback as the issuer is');
  }
  const { keys } = await fetchObject(keysUrl, { fetch, signal });
  if (!Array.isArray(keys)) throw new Error('the key set has no list of keys');
  return keys;
}

/** Entries of the key set (RFC 7517) at an address. Rejects as `fetchKeyEntries` does. */
export async function fetchKeySet(url: string, fetch: Fetch): Promise<readonly unknown[]> {
  const { keys } = await fetchObject(url, { fetch, signal: AbortSignal.timeout(fetchTimeoutMs) });
  if (!Array.isArray(keys)) throw new Error('the key set has no list of keys');
  return keys;
}

function discoveryUrl(issuer: string): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`;
}

/** An https issuer never sends us to http; a loopback one may stay on loopback. */
function isAllowedUrl(text: string, issuer: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && issuer.startsWith('http:') && isLoopback(url.hostname);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function fetchObject(
  url: string,
  { fetch, signal }: { readonly fetch: Fetch; readonly signal: AbortSignal },
): Promise<JsonObject> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
  const value: unknown = JSON.parse(await boundedText(response, url));
  if (!isJsonObject(value)) throw new Error(`${url} did not answer with a JSON object`);
  return value;
}

async function boundedText(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > documentBytesMax) throw new Error(`${url} answered with more than ${documentBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
