import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { type Agent, request } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { test } from 'node:test';
import { retryBodyBytesMax } from '../../std/limits.ts';
import { retriesPerWindowMin } from '../../traffic/index.ts';
import { type Stage, type StageOptions, startReplica, startStage } from './testing/stage.ts';

const path = '/v1/models/m:predict';

interface Told {
  readonly status: number;
  readonly body: string;
  readonly fields: IncomingMessage['headers'];
}

async function post(port: number, body: Buffer | string = '{}', target = path, agent?: Agent): Promise<Told> {
  const sending = request({ host: '127.0.0.1', port, method: 'POST', path: target, agent: agent ?? false });
  sending.end(body);
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString(), fields: answer.headers };
}

/** A stage before replicas that do what they are told, and how often each was called. */
async function stageOf(
  listeners: readonly RequestListener[],
  options: Omit<StageOptions, 'replicas'>,
  then: (stage: Stage, calls: readonly number[]) => Promise<void>,
): Promise<void> {
  const calls = listeners.map(() => 0);
  await using opened = new AsyncDisposableStack();
  const ports: number[] = [];
  for (const [index, listener] of listeners.entries()) {
    const counted: RequestListener = (call, answer) => {
      calls[index] = (calls[index] ?? 0) + 1;
      call.resume().on('end', () => listener(call, answer));
    };
    ports.push(opened.use(await startReplica(counted)).port);
  }
  await then(opened.use(await startStage({ ...options, replicas: ports })), calls);
}

const good: RequestListener = (_call, answer) => answer.end('good');
const failing =
  (status: number, fields: Record<string, string> = {}): RequestListener =>
  (_call, answer) =>
    answer.writeHead(status, { 'x-mine': 'yes', ...fields }).end('bad');
const closing: RequestListener = (call) => call.socket.destroy();

test('502, 503 and a closed connection go to another replica; what else goes wrong stays where it is', async () => {
  for (const bad of [failing(502), failing(503), closing]) {
    await stageOf([bad, good], {}, async ({ port, records }, calls) => {
      // Whoever comes first, of two calls one meets the bad one.
      const told = [await post(port), await post(port), await post(port)];
      assert.deepEqual(
        told.map(({ status, body }) => [status, body]),
        told.map(() => [200, 'good']),
      );
      assert.ok((calls[0] ?? 0) >= 1 && calls[1] === 3, `${calls}`);
      const tries = (await records(3)).map(({ timing }) => timing.tries);
      assert.ok(tries.includes(2) && tries.includes(undefined), `${tries}`);
    });
  }
  await stageOf([failing(500), failing(504)], {}, async ({ port }, calls) => {
    assert.ok([500, 504].includes((await post(port)).status));
    assert.equal((calls[0] ?? 0) + (calls[1] ?? 0), 1);
  });
});

test('a 503 that stays one is passed on as it came', async () => {
  await stageOf([failing(503, { 'retry-after': '0' })], {}, async ({ port, engine }, calls) => {
    const { status, body, fields } = await post(port);
    assert.deepEqual([status, body, fields['x-mine'], fields['retry-after']], [503, 'bad', 'yes', '0']);
    assert.equal(calls[0], 2);
    const [traffic] = (await engine.status()).traffic ?? [];
    assert.deepEqual([traffic?.service, traffic?.retries, traffic?.retriesRefused], ['scoring', 1, 0]);
  });
});

test('a replica that wants to be left alone for long is; for a moment is waited', async () => {
  await stageOf([failing(503, { 'retry-after': '5' })], {}, async ({ port }, calls) => {
    assert.equal((await post(port)).status, 503);
    assert.equal(calls[0], 1);
  });
  let isFirst = true;
  const once503: RequestListener = (call, answer) => {
    (isFirst ? failing(503, { 'retry-after': '1' }) : good)(call, answer);
    isFirst = false;
  };
  await stageOf([once503], {}, async ({ port }, calls) => {
    const startedMs = performance.now();
    assert.equal((await post(port)).status, 200);
    assert.ok(performance.now() - startedMs > 950);
    assert.equal(calls[0], 2);
  });
});

test('tries are as many as the plan says; a body that is larger than the bound has one', async () => {
  await stageOf(
    [failing(503)],
    { upstream: { retries: { triesMax: 4, budgetPpm: 1_000_000 } } },
    async (stage, calls) => {
      assert.equal((await post(stage.port, Buffer.alloc(retryBodyBytesMax))).status, 503);
      assert.equal(calls[0], 4);
      assert.equal((await post(stage.port, Buffer.alloc(retryBodyBytesMax + 1))).status, 503);
      assert.equal(calls[0], 5);
    },
  );
  await stageOf(
    [failing(503)],
    { upstream: { retries: { triesMax: 1, budgetPpm: 200_000 } } },
    async (stage, calls) => {
      assert.equal((await post(stage.port)).status, 503);
      assert.equal(calls[0], 1);
    },
  );
});

test('a service that is down is not stormed, whatever thread its calls come in by', async () => {
  const [calls, budget] = [400, 0.2];
  await stageOf(
    [failing(503), closing],
    { upstream: { retries: { triesMax: 3, budgetPpm: 200_000 } } },
    async (stage, seen) => {
      const lanes = Array.from({ length: 16 }, async () => {
        for (let call = 0; call < calls / 16; call += 1)
          assert.ok([502, 503].includes((await post(stage.port)).status));
      });
      await Promise.all(lanes);
      const upstream = (seen[0] ?? 0) + (seen[1] ?? 0);
      const [traffic] = (await stage.engine.status()).traffic ?? [];
      const most = calls * (1 + budget) + retriesPerWindowMin;
      console.log(
        `${calls} calls: ${upstream} at the replicas (at most ${most}), ${traffic?.retriesRefused} tries refused`,
      );
      assert.ok(upstream <= most, `${upstream} > ${most}`);
      assert.ok(upstream > calls, `${upstream}`);
      assert.equal(traffic?.retries, upstream - calls);
      assert.ok((traffic?.retriesRefused ?? 0) > 0);
    },
  );
});

test('a replica that comes back between two tries is found', async () => {
  const gone = createTcp();
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await using stage = await startStage({ replicas: [port] });
  const none = await post(stage.port);
  assert.equal(none.status, 503);
  assert.match(none.body, /upstream-unavailable/);
  const [record] = await stage.records(1);
  assert.deepEqual([record?.timing.tries, record?.timing.endpoint], [2, `127.0.0.1:${port}`]);
});

test('a failed answer without an end does not keep the next try waiting', async () => {
  const endless: RequestListener = (_call, answer) => {
    answer.writeHead(503);
    answer.write('a');
  };
  await stageOf([endless, good], {}, async ({ port, engine }) => {
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await post(port)).status, 200);
    const { endpoints } = await engine.status();
    assert.ok(endpoints.every(({ inFlight }) => inFlight === 0));
  });
});
