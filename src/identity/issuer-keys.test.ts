import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import { jwkOf, type StubIssuer, type StubKey, startStubIssuer, stubKey } from '../../test/support/stub-issuer.ts';
import type { Fetch } from './fetch-keys.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { documentBytesMax, firstFetchCooldownMs, keysRefreshMs, refetchCooldownMs } from './limits.ts';

const one = stubKey('one');
const two = stubKey('two');
const started: StubIssuer[] = [];
let issuer: StubIssuer;
let nowMs: number;

beforeEach(async () => {
  nowMs = 1_800_000_000_000;
  issuer = await startStubIssuer([one]);
  started.push(issuer);
});
after(() => Promise.all(started.map((stub) => stub.close())));

let fetched = 0;

function keys(name = issuer.url): IssuerKeys {
  const counting: Fetch = (...request) => {
    fetched++;
    return fetch(...request);
  };
  return createIssuerKeys({ issuer: name, clock: { now: () => nowMs }, fetch: counting });
}

async function kids(of: IssuerKeys): Promise<unknown> {
  return (await of.known())?.map((key) => key.keyId);
}

/** Waits for a look beside the request path. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the first look', () => {
  test('starts by itself', async () => {
    const of = keys();
    assert.equal(of.status().state, 'unknown');
    await until(() => of.status().state === 'ready');
    assert.deepEqual(of.status(), { state: 'ready', keys: 1, fetchedAtMs: nowMs });
  });

  test('is one look, however many ask', async () => {
    const of = keys();
    await Promise.all(Array.from({ length: 50 }, () => of.known()));
    assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/jwks']);
  });

  test('is tried again after a short while where it failed', async () => {
    issuer.answer = (_request, response) => response.writeHead(503).end();
    const of = keys();
    assert.equal(await of.known(), undefined);
    assert.equal(of.status().state, 'failed');
    assert.match(of.status().error ?? '', /answered 503/);
    issuer.answer = undefined;
    assert.equal(await of.known(), undefined, 'not at once');
    nowMs += firstFetchCooldownMs;
    assert.deepEqual(await kids(of), ['one']);
    assert.equal(of.status().state, 'ready');
  });

  test('an issuer with a slash at its end', async () => {
    issuer.discovery = { ...issuer.discovery, issuer: `${issuer.url}/` };
    assert.deepEqual(await kids(keys(`${issuer.url}/`)), ['one']);
  });
});

describe('rotation', () => {
  test('is seen when somebody asks again, with a cooldown', async () => {
    const of = keys();
    await of.known();
    issuer.keys = [jwkOf(two)];
    assert.equal(await of.again(), true);
    assert.deepEqual(await kids(of), ['one'], 'the cooldown holds');
    nowMs += refetchCooldownMs;
    await Promise.all([of.again(), of.again(), of.again()]);
    assert.deepEqual(await kids(of), ['two']);
    assert.equal(issuer.asked.length, 4);
  });

  test('is seen in the background when keys are old; what is published stays the same key', async () => {
    const of = keys();
    const [first] = (await of.known()) ?? [];
    issuer.keys = [jwkOf(one), jwkOf(two)];
    of.refreshIfOld();
    nowMs += keysRefreshMs - 1;
    const sofar = fetched;
    of.refreshIfOld();
    assert.equal(fetched, sofar, 'they are not old');
    const before = of.status();
    nowMs += 1;
    of.refreshIfOld();
    of.refreshIfOld();
    await until(() => of.status().keys === 2);
    assert.deepEqual([before.fetchedAtMs, of.status().fetchedAtMs], [nowMs - keysRefreshMs, nowMs]);
    assert.equal((await of.known())?.[0], first);
    assert.equal(first?.isRetired, false);
    assert.equal(issuer.asked.length, 4);
  });

  test('retires what is no longer published', async () => {
    const of = keys();
    const [first] = (await of.known()) ?? [];
    issuer.keys = [jwkOf(two)];
    nowMs += refetchCooldownMs;
    await of.again();
    assert.equal(first?.isRetired, true);
  });
});

describe('an issuer that is down', () => {
  test('known keys go on, and the state says so', async () => {
    const of = keys();
    await of.known();
    await issuer.close();
    nowMs += keysRefreshMs;
    assert.equal(await of.again(), false);
    assert.deepEqual(await kids(of), ['one']);
    assert.equal(of.status().state, 'stale');
    assert.match(of.status().error ?? '', /^fetch failed: /);
  });

  test('is asked for fresh keys once in a cooldown', async () => {
    const of = keys();
    await of.known();
    await issuer.close();
    nowMs += keysRefreshMs;
    of.refreshIfOld();
    await until(() => of.status().state === 'stale');
    const sofar = fetched;
    of.refreshIfOld();
    assert.equal(fetched, sofar);
    nowMs += refetchCooldownMs;
    of.refreshIfOld();
    assert.equal(fetched, sofar + 1);
    await of.again();
  });

  test('one that never answers holds nobody up for long', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    issuer.answer = () => undefined;
    const of = keys();
    const asked = of.known();
    context.mock.timers.tick(2_000);
    assert.equal(await asked, undefined);
  });

  test('one that breaks the connection', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const of = keys(`http://127.0.0.1:${address.port}`);
    assert.equal(await of.known(), undefined);
    assert.equal(of.status().state, 'failed');
    server.close();
  });
});

describe('documents that are refused', () => {
  const refused: readonly [name: string, error: RegExp, change: () => void][] = [
    ['another issuer', /another issuer/, () => (issuer.discovery = { ...issuer.discovery, issuer: 'https://a' })],
    [
      'another case of it',
      /another issuer/,
      () => (issuer.discovery = { ...issuer.discovery, issuer: issuer.url.toUpperCase() }),
    ],
    ['no jwks_uri', /no jwks_uri/, () => (issuer.discovery = { issuer: issuer.url })],
    [
      'a file as jwks_uri',
      /no jwks_uri/,
      () => (issuer.discovery = { issuer: issuer.url, jwks_uri: 'file:///etc/passwd' }),
    ],
    ['http elsewhere', /no jwks_uri/, () => (issuer.discovery = { issuer: issuer.url, jwks_uri: 'http://10.0.0.1/k' })],
    ['no JSON', /JSON/, () => (issuer.answer = (_request, response) => response.end('<html>'))],
    ['a list', /JSON object/, () => (issuer.answer = (_request, response) => response.end('[]'))],
    ['keys that are no list', /no list of keys/, () => (issuer.keys = {} as unknown as unknown[])],
    ['too large', /more than/, () => (issuer.discovery = { x: 'x'.repeat(documentBytesMax) })],
    [
      'a redirect',
      /redirect/,
      () => (issuer.answer = (_request, response) => response.writeHead(302, { location: `${issuer.url}/jwks` }).end()),
    ],
  ];
  for (const [name, error, change] of refused) {
    test(name, async () => {
      change();
      const of = keys();
      assert.equal(await of.known(), undefined);
      assert.match(of.status().error ?? '', error);
    });
  }
});

describe('odd entries in a key set', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const odd: readonly [name: string, entry: unknown][] = [
    ['null', null],
    ['a string', 'key'],
    ['nothing', {}],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'one' }],
    ['an unknown type', { kty: 'QUANTUM', kid: 'one' }],
    ['for encryption', jwkOf(two, { use: 'enc' })],
    ['for signing only', jwkOf(two, { key_ops: ['sign'] })],
    ['operations that are no list', jwkOf(two, { key_ops: 'verify' })],
    ['its private part published', { ...jwkOf(two), ...two.privateKey.export({ format: 'jwk' }) }],
    ['a kid of another type', jwkOf(two, { kid: 7 })],
    ['an alg of another type', jwkOf(two, { alg: ['ES256'] })],
    ['a broken point', jwkOf(two, { x: 'AAAA' })],
    ['an unknown curve', jwkOf(two, { crv: 'P-999' })],
    ['a small RSA key', jwkOf({ ...two, ...small } as StubKey, { alg: 'RS256' })],
  ];
  for (const [name, entry] of odd) {
    test(`${name}: left out, the good one stays`, async () => {
      issuer.keys = [entry, jwkOf(one)];
      assert.deepEqual(await kids(keys()), ['one']);
    });
  }

  test('two keys of one kid are both kept', async () => {
    issuer.keys = [jwkOf(one), jwkOf({ ...two, kid: 'one' })];
    assert.deepEqual(await kids(keys()), ['one', 'one']);
  });
});
