import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import type { Feature } from '../../src/engines/engine.ts';
import type { Coding, EngineName, Plan } from '../../src/plan/types.ts';
import { RawGrpc } from '../support/grpc-client.ts';
import { message, predictPath } from '../support/grpc-scene.ts';
import { startGrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { frame } from '../support/protobuf-bytes.ts';
import { engines, type Gateway, startGateway } from './harness/gateway.ts';

/** How permitted calls are carried, on every engine: tries, deadlines, codings. What an engine refuses it must not do by half. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

const policy = `
version: 1
identity: { staff: { oidc: { audience: headgate } } }
services:
  scoring: { protocol: tensorflow-serving, models: { m: {} } }
rules:
  - { name: anyone, allow: anyone, to: any, at: scoring/** }
`;
const path = '/v1/models/m:predict';
/** After so long a client gives up: an engine without deadlines would let it wait. */
const patienceMs = 3000;
const read = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const predictions = Buffer.from(JSON.stringify({ predictions: Array(2000).fill([0.25, 0.75]) }));

const change = (plan: Plan): Plan => ({
  ...plan,
  upstreams: plan.upstreams.map((upstream) => ({
    ...upstream,
    timeouts: { deadlineMs: 1000 },
    retries: { triesMax: 2, budgetPpm: 1_000_000 },
    compression: { answers: ['zstd', 'br', 'gzip'], requests: 'gzip' },
  })),
});

interface Scene {
  readonly gateway: Gateway;
  /** Requests that replicas had, by what was asked of them. */
  readonly had: readonly {
    readonly what: string;
    readonly fields: IncomingMessage['headers'];
    readonly body: Buffer;
  }[];
  readonly grpc: RawGrpc;
  readonly ran: () => number;
}

interface Case {
  readonly name: string;
  readonly feature: Feature;
  /** What is found. */
  readonly find: (scene: Scene) => Promise<unknown>;
  readonly expect: unknown;
}

interface Told {
  readonly status: number | undefined;
  readonly fields: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function post(
  { gateway }: Scene,
  what: string,
  body: Buffer | string = '{}',
  headers = {},
): Promise<Told | undefined> {
  const signal = AbortSignal.timeout(patienceMs);
  const options = { host: '127.0.0.1', port: gateway.port, method: 'POST', path: `${path}?${what}`, headers, signal };
  const sending = request({ ...options, agent: false });
  sending.end(body);
  try {
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode, fields: answer.headers, body: Buffer.concat(chunks) };
  } catch {
    return undefined;
  }
}

const codeOf = (told: Told | undefined): unknown => told && JSON.parse(told.body.toString()).code;
const countOf = ({ had }: Scene, name: string): number => had.filter(({ what }) => what === name).length;

/** Replies of 502, 503 and none at all, each the first time; and one that stays. */
const retried: Case = {
  name: 'what failed is tried again where that is safe, and passed on where it fails again',
  feature: 'retry',
  find: async (scene) => {
    const found: unknown[] = [];
    for (const what of ['first-502', 'first-503', 'first-close', 'always-503']) {
      const told = await post(scene, what);
      found.push([what, told?.status, countOf(scene, what)]);
    }
    const large = await post(scene, 'large-503', Buffer.alloc(20_000, 'a'));
    return [...found, ['large', large?.status, countOf(scene, 'large-503')]];
  },
  expect: [
    ['first-502', 200, 2],
    ['first-503', 200, 2],
    ['first-close', 200, 2],
    ['always-503', 503, 2],
    ['large', 503, 1],
  ],
};

const retriedGrpc: Case = {
  name: 'UNAVAILABLE before any message is tried again',
  feature: 'retry-grpc-status',
  find: async ({ grpc, ran }) => {
    const found: unknown[] = [];
    for (const how of ['first=trailers-only:14', 'first=empty:14', 'trailers-only:14', 'first=status:14']) {
      const count = ran();
      const end = await grpc.call(predictPath, { chunks: [frame(message(10))], headers: { 'x-answer': how } });
      found.push([how, end.grpcStatus, ran() - count]);
    }
    return found;
  },
  expect: [
    ['first=trailers-only:14', '0', 2],
    ['first=empty:14', '0', 2],
    ['trailers-only:14', '14', 2],
    ['first=status:14', '14', 1],
  ],
};

const ended: Case = {
  name: 'a call ends with its deadline, and says so',
  feature: 'deadline',
  find: async (scene) => {
    const startedMs = performance.now();
    const told = await post(scene, 'silent');
    const isEarly = performance.now() - startedMs < 990;
    const [record] =
      told === undefined ? [] : await scene.gateway.records([String(told.fields['x-headgate-request-id'])]);
    return [told?.status, codeOf(told), record?.core.reason, record?.core.outcome, isEarly];
  },
  expect: [504, 'deadline-exceeded', 'deadline-exceeded', 'deny', false],
};

const endedGrpc: Case = {
  name: 'a gRPC client’s deadline counts, where it is the smaller; what is none is refused',
  feature: 'grpc-timeout',
  find: async ({ grpc }) => {
    const found: unknown[] = [];
    for (const timeout of ['200m', '1H', '0m', 'soon']) {
      const headers = { 'x-answer': 'silent', 'grpc-timeout': timeout };
      const startedMs = performance.now();
      const end = await grpc.call(predictPath, { chunks: [frame(message(10))], headers, cancelMs: patienceMs });
      const tookMs = performance.now() - startedMs;
      found.push([timeout, end.grpcStatus, tookMs >= 199, tookMs >= 990]);
    }
    return found;
  },
  expect: [
    ['200m', '4', true, false],
    ['1H', '4', true, true],
    ['0m', '4', false, false],
    ['soon', '3', false, false],
  ],
};

const coding = (name: Coding): Case => ({
  name: `answers are coded in ${name} for who takes it, and for nobody else`,
  feature: `compress-${name}`,
  find: async (scene) => {
    const told = await post(scene, 'large', '{}', { 'accept-encoding': name });
    const plain = await post(scene, 'large', '{}', { 'accept-encoding': `${name};q=0` });
    const own = await post(scene, 'coded', '{}', { 'accept-encoding': name });
    const isCoded = told?.fields['content-encoding'] === name;
    return [
      isCoded && read[name](told.body).equals(predictions),
      /accept-encoding/i.test(String(told?.fields.vary)),
      plain?.body.equals(predictions),
      own !== undefined && gunzipSync(own.body).equals(predictions),
    ];
  },
  expect: [true, true, true, true],
});

const codedRequest: Case = {
  name: 'requests are coded for the service',
  feature: 'compress-requests',
  find: async (scene) => {
    await post(scene, 'plain', predictions);
    await post(scene, 'gzipped', gzipSync(predictions), { 'content-encoding': 'gzip' });
    return ['plain', 'gzipped'].map((name) => {
      const had = scene.had.find(({ what }) => what === name);
      return had?.fields['content-encoding'] === 'gzip' && gunzipSync(had.body).equals(predictions);
    });
  },
  expect: [true, true],
};

const cases = [retried, retriedGrpc, ended, endedGrpc, coding('gzip'), coding('br'), coding('zstd'), codedRequest];

for (const name of present) {
  describe(`carrying on ${name}`, () => {
    const opened = openedHere();
    let scene: Scene;

    before(async () => {
      scene = await openScene(opened, name);
    });

    for (const { name: title, feature, find, expect } of cases) {
      const isRefused = engines[name].capabilities[feature] === 'refused';
      test(isRefused ? `not yet: ${title}` : title, async () => {
        const found = await find(scene);
        if (isRefused)
          assert.notDeepEqual(found, expect, `${name} does ${feature}, and its capabilities say that it doesn't`);
        else assert.deepEqual(found, expect);
      });
    }
  });
}

async function openScene(opened: AsyncDisposableStack, name: EngineName): Promise<Scene> {
  const had: { what: string; fields: IncomingMessage['headers']; body: Buffer }[] = [];
  const server = createServer(async (call, answer) => {
    const what = call.url?.split('?')[1] ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of call) chunks.push(chunk as Buffer);
    const isFirst = !had.some((before) => before.what === what);
    had.push({ what, fields: call.headers, body: Buffer.concat(chunks) });
    answer.setHeader('content-type', 'application/json');
    if (what === 'silent') return;
    if (what.endsWith('-close') && isFirst) call.socket.destroy();
    else if (what.endsWith('-502') && isFirst) answer.writeHead(502).end('bad');
    else if (what.endsWith('-503') && (isFirst || !what.startsWith('first'))) answer.writeHead(503).end('bad');
    else if (what === 'coded') answer.setHeader('content-encoding', 'gzip').end(gzipSync(predictions));
    else answer.end(what === 'large' ? predictions : 'good');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
  const bindings = {
    ...{ environment: 'prod', issuers: ['http://127.0.0.1:1'] },
    upstreamPorts: [(server.address() as AddressInfo).port],
    grpcPorts: [upstream.port],
  };
  const gateway = opened.adopt(await startGateway(name, policy, bindings, { change }), (it) => it.stop());
  const grpc = opened.use(new RawGrpc(`http://127.0.0.1:${gateway.port}`));
  return { gateway, had, grpc, ran: () => upstream.ran.length };
}
