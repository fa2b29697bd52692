import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { RawGrpc } from '../support/grpc-client.ts';
import type { GrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { frame, modelName, modelSpec } from '../support/protobuf-bytes.ts';
import { type Answer, field } from './harness/client.ts';
import { eventually, type Gateway } from './harness/gateway.ts';
import { openHeldStage } from './harness/held-stage.ts';
import type { HeldUpstream } from './harness/held-upstream.ts';
import type { TestIssuer } from './harness/issuer.ts';
import { enginesWith, type Leaving, post, untilQueue } from './harness/traffic.ts';

/** Queues on every engine that has them: who waits, in which order, and who is refused. */
const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
groups:
  everybody: [ { staff: any } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {}, small: {}, calm: {} } }
rules:
  - { name: everybody, allow: [everybody], to: any, at: [scoring/demo, scoring/small] }
  - { name: while it is calm, allow: [everybody], to: any, at: scoring/calm, when: 'queue.waiting == 0 && queue.inFlight < 3' }
`;
const stricter = policy.replace('name: everybody', 'name: everybody still');

/** `small` has a queue of its own before the service's. */
const queue = 'queue: { inFlight: 2, waiting: 4, wait: 60s, models: { small: { inFlight: 1, waiting: 3, wait: 2s } } }';

for (const name of enginesWith('queue')) suite(name);

function suite(name: EngineName): void {
  describe(`queues on ${name}`, () => {
    const opened = openedHere();
    let issuer: TestIssuer;
    let upstream: HeldUpstream;
    let grpc: GrpcUpstream;
    let gateway: Gateway;

    before(async () => {
      const stage = { engine: name, policy, service: queue };
      ({ issuer, upstream, grpc, gateway } = await openHeldStage(opened, stage));
    });

    const emptied = async (): Promise<void> => {
      upstream.release((request) => request.answer('{}'));
      await untilQueue(gateway, { inFlight: 0, waiting: 0 });
      await untilQueue(gateway, { inFlight: 0, waiting: 0 }, 'small');
      upstream.hold();
    };
    afterEach(emptied);

    const credential = (): string[] => issuer.credential({ subject: 'alice' }, 'valid');
    const predict = (body: string, model = 'demo'): Leaving =>
      post(gateway.port, `/v1/models/${model}:predict`, credential(), body);
    const reached = (count: number): Promise<object> =>
      eventually(() => (upstream.requests.length < count ? `${upstream.requests.length} came` : upstream.requests));
    const answered = async (call: Leaving): Promise<Answer> => {
      const answer = await call.answer;
      assert.ok(answer !== 'left');
      return answer;
    };
    const recordOf = async (answer: Answer) => {
      const [record] = await gateway.records([field(answer.headers, 'x-headgate-request-id') ?? '']);
      return record ?? assert.fail('no record');
    };
    const assertRefused = async (answer: Answer, code: string): Promise<void> => {
      assert.equal(answer.status, 503);
      assert.equal((JSON.parse(answer.body) as { code: string }).code, code);
      assert.equal(field(answer.headers, 'retry-after'), '1');
      assert.equal((await recordOf(answer)).core.reason, code);
    };

    /** Fills the service's two places and its line, each call behind the one before. */
    const fill = async (waiting: number): Promise<Leaving[]> => {
      const calls = [predict('a'), predict('b')];
      await reached(2);
      for (let place = 1; place <= waiting; place += 1) {
        calls.push(predict(`waits ${place}`));
        await untilQueue(gateway, { inFlight: 2, waiting: place });
      }
      return calls;
    };

    test('calls wait in order of arrival, whatever connection and thread they came by, and say how long', async () => {
      const calls = await fill(4);
      assert.equal(upstream.requests.length, 2, 'no more than may were sent');
      for (let next = 3; next <= 6; next += 1) {
        upstream.requests[next - 3]?.answer('{}');
        await reached(next);
      }
      upstream.release((request) => request.answer('{}'));
      const order = upstream.requests.map(({ body }) => body);
      assert.deepEqual(order.slice(2), ['waits 1', 'waits 2', 'waits 3', 'waits 4']);
      const records = await Promise.all(calls.map(async (call) => recordOf(await answered(call))));
      const waited = records.map(({ timing }) => timing.queueMs);
      assert.deepEqual(waited.slice(0, 2), [undefined, undefined]);
      assert.ok(waited.slice(2).every((ms) => ms !== undefined && ms > 0));
      const threads = new Set(records.map(({ worker }) => worker)).size;
      console.log(
        `queue on ${name}: 6 calls, 2 at a time, by ${threads} threads, waited ${waited.map((ms) => Math.round(ms ?? 0))} ms`,
      );
    });

    test('beyond the line: refused at once', async () => {
      await fill(4);
      const before = (await gateway.status()).traffic?.[0]?.queueFull ?? 0;
      const refused = await Promise.all(Array.from({ length: 10 }, () => answered(predict('too much'))));
      for (const answer of refused) await assertRefused(answer, 'queue-full');
      assert.equal((await gateway.status()).traffic?.[0]?.queueFull, before + 10);
      await untilQueue(gateway, { inFlight: 2, waiting: 4 });
    });

    test('longer than a call may wait: refused, and its place goes to the next', async () => {
      const first = predict('first', 'small');
      await reached(1);
      const late = predict('late', 'small');
      const answer = await answered(late);
      await assertRefused(answer, 'queue-timeout');
      const { timing } = await recordOf(answer);
      assert.ok((timing.queueMs ?? 0) >= 1999 && (timing.queueMs ?? 0) < 20_000, `${timing.queueMs}`);
      assert.equal((await gateway.status()).traffic?.[0]?.queueTimeouts, 1);
      const next = predict('next', 'small');
      await untilQueue(gateway, { inFlight: 1, waiting: 1 }, 'small');
      upstream.requests[0]?.answer('{}');
      await reached(2);
      upstream.requests[1]?.answer('{}');
      assert.deepEqual([(await answered(first)).status, (await answered(next)).status], [200, 200]);
    });

    test('who leaves frees its place, in the line and in flight', async () => {
      const calls = await fill(4);
      calls[3]?.leave();
      await untilQueue(gateway, { inFlight: 2, waiting: 3 });
      calls[0]?.leave();
      await untilQueue(gateway, { inFlight: 2, waiting: 2 });
      await reached(3);
      assert.equal(upstream.requests[2]?.body, 'waits 1');
      await eventually(
        () => upstream.requests.some(({ body, isGone }) => body === 'a' && isGone) || 'it is still there',
      );
    });

    test("a call passes its model's queue, then the service's, and holds neither where the other refuses", async () => {
      const calls = await fill(4);
      await assertRefused(await answered(predict('small', 'small')), 'queue-full');
      await untilQueue(gateway, { inFlight: 0, waiting: 0 }, 'small');
      calls[5]?.leave();
      await untilQueue(gateway, { inFlight: 2, waiting: 3 });
      const small = predict('small', 'small');
      await untilQueue(gateway, { inFlight: 1, waiting: 0 }, 'small');
      await untilQueue(gateway, { inFlight: 2, waiting: 4 });
      small.leave();
      await untilQueue(gateway, { inFlight: 0, waiting: 0 }, 'small');
      await untilQueue(gateway, { inFlight: 2, waiting: 3 });
    });

    test('gRPC calls wait in the same line', async () => {
      const client = new RawGrpc(`http://127.0.0.1:${gateway.port}`);
      const [, authorization = ''] = credential();
      const predictPath = '/tensorflow.serving.PredictionService/Predict';
      const call = () =>
        client.call(predictPath, { chunks: [frame(modelSpec(modelName('demo')))], headers: { authorization } });
      try {
        await fill(3);
        const waiting = call();
        await untilQueue(gateway, { waiting: 4 });
        const full = await call();
        assert.deepEqual([full.grpcStatus, full.headers['retry-after']], ['14', '1']);
        assert.equal(grpc.ran.length, 0);
        upstream.release((request) => request.answer('{}'));
        assert.equal((await waiting).grpcStatus, '0');
      } finally {
        client.close();
      }
    });

    test('a large body stays with its sender while its call waits', async () => {
      await fill(1);
      const length = 48 * 1024 * 1024;
      const socket = connect(gateway.port, '127.0.0.1');
      const [, authorization = ''] = credential();
      socket.write(`POST /v1/models/demo:predict HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n`);
      socket.write(`connection: close\r\ncontent-length: ${length}\r\n\r\n`);
      const chunk = Buffer.alloc(1024 * 1024, 'a');
      let sent = 0;
      const sendMore = (): void => {
        while (sent < length && socket.write(chunk)) sent += chunk.length;
        if (sent < length) sent += chunk.length;
      };
      socket.on('drain', sendMore);
      let status = '';
      socket.on('data', (bytes: Buffer) => {
        status += bytes.toString('latin1');
      });
      const over = new Promise((resolve) => socket.once('close', resolve));
      sendMore();
      await untilQueue(gateway, { waiting: 2 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const taken = sent;
      assert.ok(taken < length / 2, `${taken} bytes were taken while it waited`);
      upstream.release((request) => request.answer('{}'));
      await over;
      assert.match(status, /^HTTP\/1.1 200 /);
      assert.equal(upstream.requests.at(-1)?.body.length, length);
      console.log(
        `queue on ${name}: of a body of ${length >> 20} MB at most ${taken >> 20} MB had left its sender while it waited`,
      );
    });

    test('a condition reads how much waits, over all threads', async () => {
      const asked = async (subject: string): Promise<number | undefined> => {
        const headers = issuer.credential({ subject }, 'valid');
        const call = post(gateway.port, '/v1/models/calm:predict', headers, '{}');
        if (subject === 'calm') {
          await reached(1);
          upstream.requests[0]?.answer('{}');
        }
        return (await answered(call)).status;
      };
      assert.equal(await asked('calm'), 200);
      upstream.hold();
      await fill(1);
      assert.deepEqual(await Promise.all(['anna', 'ben', 'cleo', 'dora'].map(asked)), [403, 403, 403, 403]);
    });

    test('another policy leaves the counts and the line as they are', async () => {
      const calls = await fill(2);
      await gateway.swap(stricter);
      await untilQueue(gateway, { inFlight: 2, waiting: 2 });
      calls.push(predict('after'));
      await untilQueue(gateway, { inFlight: 2, waiting: 3 });
      upstream.release((request) => request.answer('{}'));
      const answers = await Promise.all(calls.map(answered));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.equal((await recordOf(answers.at(-1) as Answer)).core.rule, 'everybody still');
    });
  });
}
