import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { loadGateKeys } from '../../src/gate/index.ts';
import { makeKey, readKeyText } from '../../src/grants/index.ts';
import { errorCodes } from '../../src/http2/index.ts';
import { subjectId } from '../../src/identity/index.ts';
import { keyIssuer } from '../../src/plan/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { systemClock } from '../../src/std/clock.ts';
import { openKeyStore } from '../../src/store/index.ts';
import { openTls } from '../support/certificate.ts';
import { openedHere } from '../support/opened.ts';
import { bytesField, frame } from '../support/protobuf-bytes.ts';
import { type MadeCall, StreamClient } from '../support/stream-client.ts';
import { echo, type ServedCall, type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';
import { engines, eventually, type Gateway, startGateway } from './harness/gateway.ts';
import { startTestIssuer } from './harness/issuer.ts';

/** Calls of all four kinds, and streams that stay open, on every engine: what either side sees of the other. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

const policy = (...names: string[]): string => `
version: 1
identity: { staff: { oidc: { audience: headgate } }, keys: { apiKeys: {} } }
groups:
  one: [ { keys: { name: one } } ]
  two: [ { keys: { name: two } } ]
  crew: [ { staff: any } ]
  brief: [ { keys: { name: brief } } ]
services:
  orders: { protocol: grpc }
rules:
  - { name: crew calls, allow: crew, to: call, at: orders/** }
  - { name: brief watches, allow: brief, to: call, at: orders/acme.orders.v1.Orders/Watch, streams: { until: expiry } }
  - { name: brief does the rest, allow: brief, to: call, at: orders/** }
${names.map((name) => `  - { name: ${name} calls, allow: ${name}, to: call, at: orders/acme.orders.v1.Orders/* }`).join('\n')}
`;

const path = '/acme.orders.v1.Orders/Watch';
const message = (bytes: number): Buffer => frame(bytesField(1, Buffer.alloc(bytes, 'a')));

interface Stage {
  readonly gateway: Gateway;
  readonly upstream: StreamUpstream;
  readonly client: StreamClient;
  readonly ca: string;
}

for (const name of present) describe(`streams on ${name}`, () => suite(name));

function suite(name: EngineName): void {
  const opened = openedHere();
  let stage: Stage;

  before(async () => {
    const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
    const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
    const { files: tls, ca } = openTls(opened);
    const bindings = { environment: 'prod', issuers: [issuer.url], upstreamPorts: [], grpcPorts: [upstream.port], tls };
    const keys = { one: { name: 'one', state: 'valid' }, two: { name: 'two', state: 'valid' } } as const;
    const gateway = await startGateway(name, policy('one', 'two'), { ...bindings, serviceName: 'orders' }, { keys });
    opened.defer(() => gateway.stop());
    stage = { gateway, upstream, ca, client: opened.use(await StreamClient.open(gateway.port)) };
  });

  const call = (as: string, fields: readonly string[] = [], client = stage.client): MadeCall =>
    client.call({ path, fields: ['authorization', `Bearer ${stage.gateway.keys.get(as)}`, ...fields] });

  /** A call whose head is there, and what the service has of it. */
  async function begun(as: string, fields: readonly string[] = []): Promise<[MadeCall, ServedCall]> {
    const before = stage.upstream.calls.length;
    const made = call(as, fields);
    await seen(() => made.head !== undefined);
    return [made, stage.upstream.calls[before] as ServedCall];
  }

  test('messages pass as they come, both ways, h2c and over TLS', async () => {
    stage.upstream.serve = echo;
    using secure = await StreamClient.open(stage.gateway.securePort, { ca: stage.ca });
    for (const client of [stage.client, secure]) {
      const made = call('one', ['trace-bin', 'AAE=', 'x-many', 'a', 'x-many', 'b'], client);
      await seen(() => made.head !== undefined);
      const served = stage.upstream.calls.at(-1);
      assert.deepEqual([served?.head.path, served?.head.authority], [path, 'orders.test']);
      assert.deepEqual([served?.values('x-many').join(), served?.values('trace-bin')], ['a,b', ['AAE=']]);
      for (const bytes of [1, 20_000, 300_000]) {
        const sent = message(bytes);
        made.received.length = 0;
        made.write(sent);
        await seen(() => made.bytes.length === sent.length);
        assert.ok(made.bytes.equals(sent));
      }
      made.end();
      await seen(() => made.trailers !== undefined);
      assert.deepEqual([made.status, made.field('x-trailing')], ['0', 'two']);
    }
  });

  test('many streams share one connection, each at its own pace', async () => {
    stage.upstream.serve = echo;
    const calls = Array.from({ length: 60 }, () => call(Math.random() < 0.5 ? 'one' : 'two'));
    for (const [at, made] of calls.entries()) made.write(message(at * 100));
    for (const [at, made] of calls.entries()) {
      await seen(() => made.bytesIn === message(at * 100).length);
      assert.ok(made.bytes.equals(message(at * 100)));
      made.end();
    }
    for (const made of calls) await seen(() => made.status === '0');
  });

  test('a server that sends, a client that sends, and statuses with details', async () => {
    stage.upstream.serve = (served) => {
      served.begin();
      served.onEnd = () => {
        for (let at = 0; at < 5; at += 1) served.send(message(at));
        served.end(9, 'grpc-status-details-bin', 'CAkSAmhp');
      };
    };
    const [made, served] = await begun('one');
    for (let at = 0; at < 5; at += 1) made.write(message(at));
    made.end();
    await seen(() => made.trailers !== undefined);
    const sent = Buffer.concat([0, 1, 2, 3, 4].map(message));
    assert.ok(made.bytes.equals(sent) && served.bytes.equals(sent));
    assert.deepEqual([made.status, made.field('grpc-status-details-bin')], ['9', 'CAkSAmhp']);
  });

  test('a client that cancels is heard of by the service', async () => {
    stage.upstream.serve = (served) => served.begin();
    const [made, served] = await begun('one');
    made.reset(errorCodes.cancel);
    await seen(() => served.code !== undefined);
    assert.notEqual(served.code, errorCodes.none);
  });

  test('a deadline ends the call on both sides', async () => {
    stage.upstream.serve = (served) => served.begin();
    const [made, served] = await begun('one', ['grpc-timeout', '700m']);
    await seen(() => made.code !== undefined || made.status !== undefined);
    await seen(() => served.code !== undefined);
    if (made.status !== undefined) assert.equal(made.status, '4');
  });

  test('a key that is revoked ends its streams within seconds, and nobody else notices', async () => {
    stage.upstream.serve = (served) => served.begin();
    const [ended, served] = await begun('one');
    const [staying, other] = await begun('two');
    const text = stage.gateway.keys.get('one') as string;
    const store = openKeyStore(stage.gateway.folder);
    store.revoke([readKeyText(text)?.id ?? ''], { by: 'tests', nowMs: Date.now() });
    store.close();
    const { idKey } = await loadGateKeys(stage.gateway.folder, systemClock);
    const beforeMs = performance.now();
    await stage.gateway.revoke([subjectId(idKey.reveal(), keyIssuer, 'one')]);
    await seen(() => ended.code !== undefined || ended.status !== undefined);
    assert.ok(performance.now() - beforeMs < 5000);
    assert.equal(ended.status, name === 'embedded' ? '16' : undefined);
    await seen(() => served.code !== undefined);
    staying.write(message(3));
    await seen(() => other.bytes.equals(message(3)));
    assert.equal(staying.status, undefined);
    staying.reset(errorCodes.cancel);
  });

  test('a credential that expires ends the streams of a rule that says so, and no others', async () => {
    stage.upstream.serve = (served) => served.begin();
    const key = briefKey(stage.gateway.folder, 6000);
    const open = async (at: string): Promise<MadeCall> => {
      const made = stage.client.call({ path: at, fields: ['authorization', `Bearer ${key.text}`] });
      await seen(() => made.head !== undefined);
      return made;
    };
    const [ended, staying] = [await open(path), await open('/acme.orders.v1.Orders/Follow')];
    await seen(() => ended.code !== undefined || ended.status !== undefined);
    assert.ok(Date.now() >= key.endsMs && Date.now() < key.endsMs + 8000);
    assert.equal(ended.status, name === 'embedded' ? '16' : undefined);
    assert.deepEqual([staying.status, staying.code], [undefined, undefined]);
    staying.reset(errorCodes.cancel);
  });

  test('a rule that goes ends the streams that it carried', async () => {
    stage.upstream.serve = (served) => served.begin();
    const [ended, served] = await begun('two');
    await stage.gateway.swap(policy('one'));
    await seen(() => ended.code !== undefined || ended.status !== undefined);
    assert.equal(ended.status, name === 'embedded' ? '7' : undefined);
    await seen(() => served.code !== undefined);
  });
}

/** A key that ends soon. */
function briefKey(state: string, lifeMs: number): { readonly text: string; readonly endsMs: number } {
  const { id, hash, text } = makeKey();
  const nowMs = Date.now();
  const endsMs = nowMs + lifeMs;
  const store = openKeyStore(state);
  store.create({ id, hash, name: 'brief', owner: 'tests', endsMs }, { by: 'tests', nowMs });
  store.close();
  return { text: text.reveal(), endsMs };
}

function seen(look: () => boolean): Promise<unknown> {
  return eventually(() => look() || 'it never came', 20_000);
}
