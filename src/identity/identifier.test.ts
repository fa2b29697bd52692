import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import { Provider } from 'oidc-provider';
import { jwkOf, type StubIssuer, signToken, startStubIssuer, stubKey } from '../../test/support/stub-issuer.ts';
import type { OidcPlan } from '../plan/types.ts';
import { refusalKeptMsMax } from '../std/limits.ts';
import { createIdentifier } from './identifier.ts';
import { refetchCooldownMs } from './limits.ts';
import type { Identifier } from './types.ts';

const key = stubKey('one');
const next = stubKey('two');
const idKey = new Uint8Array(32);
const started: StubIssuer[] = [];
let issuer: StubIssuer;
let nowMs: number;

beforeEach(async () => {
  nowMs = 1_800_000_000_000;
  issuer = await startStubIssuer([key]);
  started.push(issuer);
});
after(() => Promise.all(started.map((stub) => stub.close())));

function plan(issuers: readonly string[] = [issuer.url]): OidcPlan {
  const algorithms = ['RS256', 'ES256'];
  const types = ['jwt', 'at+jwt', ''];
  const audience = ['headgate'];
  return {
    name: 'staff',
    kind: 'oidc',
    issuers,
    audience,
    groupsClaim: ['groups'],
    algorithms,
    types,
    skewSeconds: 30,
  };
}

function identifier(more: { previous?: Identifier } = {}): Identifier {
  return createIdentifier({ identities: [plan()], idKey, clock: { now: () => nowMs }, ...more });
}

function token(changes: object = {}, by = key): string {
  const seconds = nowMs / 1000;
  const claims = { iss: issuer.url, sub: 'alice', aud: 'headgate', exp: seconds + 3600, iat: seconds };
  return signToken({ ...claims, ...changes }, by);
}

async function ask(who: Identifier, text: string): Promise<string> {
  const found = await who.identify(['authorization', `Bearer ${text}`], nowMs);
  if (found.kind === 'fault') return found.fault;
  return found.kind === 'identity' ? found.identity.subject : found.kind;
}

describe('what is remembered', () => {
  test('a verified token is the same identity again, without its issuer', async () => {
    const who = identifier();
    const headers = ['authorization', `Bearer ${token()}`];
    const first = await who.identify(headers, nowMs);
    await issuer.close();
    const second = await who.identify(headers, nowMs);
    assert.ok(first.kind === 'identity' && second.kind === 'identity');
    assert.equal(first.identity, second.identity);
  });

  test('a verified token is never good beyond its end', async () => {
    const who = identifier();
    const text = token({ exp: nowMs / 1000 + 60 });
    assert.equal(await ask(who, text), 'alice');
    nowMs += 89_999;
    assert.equal(await ask(who, text), 'alice');
    nowMs += 1;
    assert.equal(await ask(who, text), 'credential-expired');
  });

  test('a verified token is forgotten with the key that signed it', async () => {
    const who = identifier();
    const text = token();
    assert.equal(await ask(who, text), 'alice');
    issuer.keys = [jwkOf(next)];
    nowMs += refetchCooldownMs;
    assert.equal(await ask(who, token({}, next)), 'alice');
    assert.equal(await ask(who, text), 'credential-signature');
  });

  test('a failure, for a moment', async () => {
    const who = identifier();
    const text = token({ nbf: nowMs / 1000 + 31 });
    assert.equal(await ask(who, text), 'credential-not-yet-valid');
    nowMs += refusalKeptMsMax - 1;
    assert.equal(await ask(who, text), 'credential-not-yet-valid');
    nowMs += 1;
    assert.equal(await ask(who, text), 'alice');
  });

  test('many that bring one token at once', async () => {
    const who = identifier();
    const text = token();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => who.identify(['authorization', `Bearer ${text}`], nowMs)),
    );
    assert.equal(new Set(all.map((found) => found.kind === 'identity' && found.identity)).size, 1);
  });
});

describe('an issuer that rotates or fails', () => {
  test('a new key is found by the first token that it signs', async () => {
    const who = identifier();
    assert.equal(await ask(who, token()), 'alice');
    issuer.keys = [jwkOf(key), jwkOf(next)];
    nowMs += refetchCooldownMs;
    assert.equal(await ask(who, token({ sub: 'bob' }, next)), 'bob');
  });

  test('another key under the same kid, too', async () => {
    const who = identifier();
    assert.equal(await ask(who, token()), 'alice');
    const other = stubKey('one');
    issuer.keys = [jwkOf(other)];
    nowMs += refetchCooldownMs;
    assert.equal(await ask(who, token({ sub: 'bob' }, other)), 'bob');
  });

  test('unknown kids ask it once in a cooldown', async () => {
    const who = identifier();
    await ask(who, token());
    nowMs += refetchCooldownMs;
    const asked = issuer.asked.length;
    for (let count = 0; count < 20; count++) {
      assert.equal(await ask(who, token({ sub: `x${count}` }, stubKey(`k${count}`))), 'credential-signature');
    }
    assert.equal(issuer.asked.length, asked + 2);
  });

  test('down from the start: nobody can be known, and that is no fault of theirs', async () => {
    await issuer.close();
    const who = identifier();
    assert.equal(await ask(who, token()), 'identity-unavailable');
    assert.equal(who.status()[0]?.state, 'failed');
  });

  test('down later: known keys go on, an unknown one is no fault of the caller', async () => {
    const who = identifier();
    assert.equal(await ask(who, token()), 'alice');
    await issuer.close();
    nowMs += refetchCooldownMs;
    assert.equal(await ask(who, token({ sub: 'bob' })), 'bob');
    assert.equal(await ask(who, token({}, next)), 'identity-unavailable');
    assert.deepEqual(
      who.status().map(({ identity, state, keys }) => ({ identity, state, keys })),
      [{ identity: 'staff', state: 'stale', keys: 1 }],
    );
  });

  test('what an earlier identifier knows of it goes on', async () => {
    const before = identifier();
    assert.equal(await ask(before, token()), 'alice');
    await issuer.close();
    assert.equal(await ask(identifier({ previous: before }), token({ sub: 'bob' })), 'bob');
  });
});

test('no credential is nobody, and two are refused before they are read', async () => {
  const who = identifier();
  assert.deepEqual(await who.identify([], nowMs), { kind: 'anonymous' });
  const twice = await who.identify(['authorization', `Bearer ${token()}`, 'authorization', `Bearer ${token()}`], nowMs);
  assert.equal(twice.kind === 'fault' && twice.fault, 'credential-ambiguous');
});

test('two issuers behind one identity keep their subjects apart', async () => {
  const other = await startStubIssuer([key]);
  started.push(other);
  const both = createIdentifier({ identities: [plan([issuer.url, other.url])], idKey, clock: { now: () => nowMs } });
  const found = await Promise.all(
    [issuer.url, other.url].map((iss) => both.identify(['authorization', `Bearer ${token({ iss })}`], nowMs)),
  );
  const ids = found.map((each) => each.kind === 'identity' && each.identity.id);
  assert.equal(new Set(ids).size, 2);
  const crossed = signToken({ iss: other.url, sub: 'a', aud: 'headgate', exp: nowMs / 1000 + 60 }, next);
  assert.equal(await ask(both, crossed), 'credential-signature');
});

test('a machine token of a real OpenID Provider', async () => {
  const { server, url } = await startProvider();
  try {
    const real = { ...plan([url]), algorithms: ['ES256'] };
    const who = createIdentifier({ identities: [real], idKey, clock: { now: () => Date.now() } });
    const headers = ['authorization', `Bearer ${await clientToken(url)}`];
    const found = await who.identify(headers, Date.now());
    assert.ok(found.kind === 'identity', JSON.stringify(found));
    const { issuer: from, subject, client, groups } = found.identity;
    assert.deepEqual({ from, subject, client, groups }, { from: url, subject: 'scorer', client: 'scorer', groups: [] });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

async function startProvider(): Promise<{ server: Server; url: string }> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'scorer',
        client_secret: 'a secret of a test',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:headgate',
        getResourceServerInfo: () => ({
          scope: 'predict',
          audience: 'headgate',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  server.on('request', provider.callback());
  return { server, url };
}

async function clientToken(url: string): Promise<string> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('scorer:a+secret+of+a+test').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'predict' }),
  });
  const answer = (await response.json()) as { access_token?: string };
  return answer.access_token ?? assert.fail(JSON.stringify(answer));
}
