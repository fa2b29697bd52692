import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { afterEach, before, describe, test } from 'node:test';
import type { AuditRecord } from '../../src/audit/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { RawGrpc } from '../support/grpc-client.ts';
import type { GrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { bytesField, frame, modelName, modelSpec } from '../support/protobuf-bytes.ts';
import { type Answer, field } from './harness/client.ts';
import { eventually, type Gateway } from './harness/gateway.ts';
import { openHeldStage } from './harness/held-stage.ts';
import type { HeldUpstream } from './harness/held-upstream.ts';
import type { TestIssuer } from './harness/issuer.ts';
import { enginesWith, type Leaving, post } from './harness/traffic.ts';

/** Identical predictions in flight on every engine that makes them one: what the service sees, what each caller gets, what is recorded. */
const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
groups:
  everybody: [ { staff: any } ]
services:
  scoring: { protocol: tensorflow-serving, models: {
    shared: { repeats: { coalesce: true, share: rule } }, limited: { repeats: { coalesce: true, share: rule } },
    own: { repeats: { coalesce: true, share: caller } }, plain: {} } }
rules:
  - { name: five each, allow: [everybody], to: any, at: scoring/limited, limits: [ { rate: 1/h, burst: 5, per: caller } ] }
  - { name: everybody but nobody, allow: [everybody], to: any, at: scoring/** }
  - { name: not mallory, deny: [everybody], to: any, at: scoring/shared, when: 'caller.subject == "mallory"' }
`;

/** Leaders take places, followers take none. */
const queue = 'queue: { models: { shared: { inFlight: 2 } } }';

/** Worker threads of the embedded engine at most. */
const threadsMax = 8;
/**
 * Calls to the service that one failed leader leads to: its own, and one more for the others together. Those on another thread may
 * hear of the failure when that one is over already, and then have one of theirs.
 */
const isFew = (calls: number): boolean => calls >= 2 && calls <= 1 + Math.min(availableParallelism(), threadsMax);

for (const name of enginesWith('coalesce')) suite(name);

function suite(name: EngineName): void {
  describe(`coalescing on ${name}`, () => {
    const opened = openedHere();
    let issuer: TestIssuer;
    let upstream: HeldUpstream;
    let grpc: GrpcUpstream;
    let gateway: Gateway;

    before(async () => {
      const stage = { engine: name, policy, service: queue };
      ({ issuer, upstream, grpc, gateway } = await openHeldStage(opened, stage));
    });

    afterEach(() => {
      upstream.release((request) => request.answer('{}'));
      upstream.hold();
    });

    interface Given {
      readonly as?: string;
      readonly model?: string;
      readonly body?: string;
      readonly query?: string;
      readonly headers?: readonly string[];
    }
    const predict = ({
      as = 'alice',
      model = 'shared',
      body = '{"instances":[1]}',
      query = '',
      headers = [],
    }: Given = {}) =>
      post(
        gateway.port,
        `/v1/models/${model}:predict${query}`,
        [...issuer.credential({ subject: as }, 'valid'), ...headers],
        body,
      );
    const many = (count: number, given?: Given): Leaving[] => Array.from({ length: count }, () => predict(given));
    const reached = (count: number): Promise<object> =>
      eventually(() => (upstream.requests.length < count ? `${upstream.requests.length} came` : upstream.requests));
    const answersOf = async (calls: readonly Leaving[]): Promise<Answer[]> => {
      const answers = await Promise.all(calls.map(({ answer }) => answer));
      return answers.map((answer) => (answer === 'left' ? assert.fail('no answer') : answer));
    };
    const idOf = ({ headers }: Answer): string => field(headers, 'x-headgate-request-id') ?? '';
    const recordsOf = (answers: readonly Answer[]): Promise<AuditRecord[]> => gateway.records(answers.map(idOf));
    /** So many turns of every thread of the engine that calls which were sent have come in, however slow the machine. */
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn += 1) {
        await gateway.status();
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    };
    const counts = (records: readonly AuditRecord[], of: (record: AuditRecord) => unknown): Record<string, number> => {
      const found: Record<string, number> = {};
      for (const record of records) found[String(of(record))] = (found[String(of(record))] ?? 0) + 1;
      return found;
    };

    test('50 identical predictions are one call to the service, and 50 events of which 49 name the leader', async () => {
      const before = (await gateway.status()).traffic?.[0]?.coalesced ?? 0;
      const callers = ['alice', 'bob', 'carol', 'dave', 'erin'];
      const calls = callers.flatMap((as) => many(10, { as }));
      await reached(1);
      await settle();
      assert.equal(upstream.requests.length, 1);
      const [request] = upstream.requests;
      request?.answer('{"predictions":[1]}', { 'x-model': 'a' });
      const answers = await answersOf(calls);
      for (const answer of answers) {
        assert.deepEqual([answer.status, answer.body], [200, '{"predictions":[1]}']);
        assert.equal(field(answer.headers, 'x-model'), 'a');
        assert.equal(answer.headers.filter((text) => text === 'x-headgate-request-id').length, 1);
      }
      assert.equal(new Set(answers.map(idOf)).size, 50, 'each has an id of its own');
      const records = await recordsOf(answers);
      const leader = records.find(({ timing }) => timing.leader === undefined);
      assert.equal(leader?.requestId, request?.id);
      const led = records.filter(({ timing }) => timing.leader === leader?.requestId);
      assert.equal(led.length, 49);
      const subjects = counts(records, ({ core }) => core.caller?.subject);
      assert.deepEqual(subjects, { alice: 10, bob: 10, carol: 10, dave: 10, erin: 10 });
      assert.equal(request?.headers['x-headgate-subject'], leader?.core.caller?.subject);
      assert.equal((await gateway.status()).traffic?.[0]?.coalesced, before + 49);
      const threads = counts(records, ({ worker }) => worker);
      console.log(
        `coalescing on ${name}: 50 calls of 5 callers by threads ${Object.values(threads).join(' + ')}: ` +
          `${upstream.requests.length} call to the service, ${records.length} events, ${led.length} name the leader`,
      );
    });

    test('shared by caller: one call for each of them', async () => {
      const calls = [...many(10, { as: 'alice', model: 'own' }), ...many(10, { as: 'bob', model: 'own' })];
      await reached(2);
      await settle();
      const subjects = upstream.requests.map(({ headers }) => headers['x-headgate-subject']).sort();
      assert.deepEqual(subjects, ['alice', 'bob']);
      for (const request of upstream.requests) request.answer(String(request.headers['x-headgate-subject']));
      const answers = await answersOf(calls);
      assert.deepEqual(
        answers.map(({ body }) => body),
        [...Array(10).fill('alice'), ...Array(10).fill('bob')],
      );
    });

    test('what may change the answer makes another call; what only names the call does not', async () => {
      const differing: Given[] = [
        { body: '{"instances":[2]}' },
        { query: '?signature=a' },
        { headers: ['accept', 'text/plain'] },
        { headers: ['accept-encoding', 'gzip'] },
        { headers: ['content-type', 'text/plain'] },
        { headers: ['x-nobody-knows', '1'] },
        { headers: ['cookie', 'a=b'] },
        { headers: ['host', 'other.test'] },
      ];
      const calls = differing.map((given) => predict({ model: 'own', ...given }));
      await reached(differing.length);
      const same: Given[] = [
        { headers: ['X-Nobody-Knows', '1', 'user-agent', 'a'] },
        {
          headers: [
            'user-agent',
            'b',
            'x-nobody-knows',
            '1',
            'traceparent',
            `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
          ],
        },
      ];
      calls.push(...same.map((given) => predict({ model: 'own', ...given })));
      await settle();
      assert.equal(upstream.requests.length, differing.length);
      upstream.release((request) => request.answer(`${request.body}${request.target}`));
      const bodies = (await answersOf(calls)).map(({ body }) => body);
      assert.equal(bodies[0], '{"instances":[2]}/v1/models/own:predict');
      assert.equal(bodies[1], '{"instances":[1]}/v1/models/own:predict?signature=a');
    });

    test('models of which the policy says nothing, and other operations of safe ones, are as ever', async () => {
      const calls = many(5, { model: 'plain' });
      await reached(5);
      upstream.release((request) => request.answer('{}'));
      const records = await recordsOf(await answersOf(calls));
      assert.deepEqual(
        counts(records, ({ timing }) => timing.leader),
        { undefined: 5 },
      );
    });

    test('each is decided and limited on its own', async () => {
      const mallory = predict({ as: 'mallory' });
      const calls = many(12, { model: 'limited' });
      const others = many(3, { model: 'limited', as: 'bob' });
      await reached(1);
      await settle();
      assert.equal(upstream.requests.length, 1);
      upstream.requests[0]?.answer('{}');
      const byStatus = counts(await recordsOf(await answersOf(calls)), ({ core }) => core.status);
      assert.deepEqual(byStatus, { 200: 5, 429: 7 });
      assert.deepEqual(
        counts(await recordsOf(await answersOf(others)), ({ core }) => core.status),
        { 200: 3 },
      );
      assert.deepEqual(
        (await answersOf([mallory])).map(({ status }) => status),
        [403],
      );
    });

    test('a leader that leaves does not take the others with it; the last one ends the call', async () => {
      const leader = predict();
      await reached(1);
      const others = many(4);
      await settle();
      leader.leave();
      await settle();
      assert.deepEqual([upstream.requests.length, upstream.requests[0]?.isGone], [1, false]);
      upstream.requests[0]?.answer('{}');
      const records = await recordsOf(await answersOf(others));
      const led = counts(records, ({ timing }) => timing.leader);
      assert.deepEqual(led, { [upstream.requests[0]?.id ?? '']: 4 });
      const [left] = await gateway.records([upstream.requests[0]?.id ?? '']);
      assert.equal(left?.core.status, 0);
      upstream.hold();
      const leaving = many(4);
      await reached(1);
      await settle();
      for (const call of leaving) call.leave();
      await eventually(() => upstream.requests[0]?.isGone || 'it is still there');
      assert.equal(upstream.requests.length, 1);
    });

    test('a leader whose replica dies: it fails, the others try once more, together', async () => {
      const leader = predict();
      await reached(1);
      const doomed = upstream.requests[0]?.id;
      const others = many(20);
      await settle();
      upstream.release((request) => (request.id === doomed ? request.reset() : request.answer('{}')));
      const [failed] = await answersOf([leader]);
      assert.equal(failed?.status, 502);
      const records = await recordsOf(await answersOf(others));
      assert.deepEqual(
        counts(records, ({ core }) => core.status),
        { 200: 20 },
      );
      const leaders = new Set(upstream.requests.map(({ id }) => id));
      assert.ok(isFew(leaders.size), `${leaders.size} calls to the service`);
      console.log(
        `coalescing on ${name}: the leader of 21 fails: ${counts(records, ({ core }) => core.status)[200]} answered by ` +
          `${leaders.size} leaders' calls`,
      );
    });

    test('where every call fails there is no storm', async () => {
      const leader = predict();
      await reached(1);
      const others = many(20);
      await settle();
      upstream.release((request) => request.reset());
      const statuses = (await answersOf([leader, ...others])).map(({ status }) => status);
      assert.deepEqual(new Set(statuses), new Set([502]));
      const leaders = new Set(upstream.requests.map(({ id }) => id));
      assert.ok(isFew(leaders.size), `${leaders.size} calls to the service`);
    });

    test('an answer that is too large to be held is fetched by each', async () => {
      const large = 'x'.repeat(3_000_000);
      const leader = predict({ model: 'own' });
      await reached(1);
      const others = many(5, { model: 'own' });
      await settle();
      assert.equal(upstream.requests.length, 1);
      upstream.release((request) => request.answer(large));
      const answers = await answersOf([leader, ...others]);
      assert.ok(answers.every(({ status, body }) => status === 200 && body === large));
      assert.equal(upstream.requests.length, 6);
    });

    test('an answer that breaks off: within what is held it is a failure, beyond it breaks off for one caller', async () => {
      for (const begun of ['x'.repeat(200_000), 'x'.repeat(2_000_000)]) {
        const leader = predict({ model: 'own' });
        await reached(1);
        const doomed = upstream.requests[0]?.id;
        const others = many(5, { model: 'own' });
        await settle();
        upstream.release((request) => (request.id === doomed ? request.breakOff(begun) : request.answer('whole')));
        const answer = await leader.answer;
        assert.equal(answer === 'left' ? 'left' : answer.status, begun.length < 1_000_000 ? 502 : 'left');
        assert.ok((await answersOf(others)).every(({ body }) => body === 'whole'));
        upstream.hold();
      }
    });

    test('an answer that the service gives to one caller alone is not shared', async () => {
      for (const fields of [{ 'set-cookie': 'a=b' }, { 'cache-control': 'max-age=1, private' }]) {
        const calls = many(8);
        await reached(1);
        await settle();
        assert.equal(upstream.requests.length, 1);
        upstream.release((request) => request.answer(request.id, fields));
        // The queue of this model has two places: who makes a call of its own needs one.
        const answers = await answersOf(calls);
        const own = answers.filter(({ status }) => status === 200);
        assert.ok(own.every((answer) => answer.body === idOf(answer)));
        assert.ok(own.length >= 3, `${own.length} answered`);
        assert.ok(answers.every(({ status }) => status === 200 || status === 503));
        upstream.hold();
      }
    });

    test('an answer without a length, in parts', async () => {
      const calls = many(6);
      await reached(1);
      await settle();
      upstream.requests[0]?.answer('x'.repeat(200_000), { 'transfer-encoding': 'chunked' });
      const answers = await answersOf(calls);
      assert.ok(answers.every(({ status, body }) => status === 200 && body.length === 200_000));
      assert.equal(upstream.requests.length, 1);
    });

    test('leaders take places of the queue, followers none', async () => {
      const first = many(5, { body: '[1]' });
      const second = many(5, { body: '[2]' });
      await reached(2);
      const [refused] = await answersOf([predict({ body: '[3]' })]);
      assert.equal(refused?.status, 503);
      const third = predict({ body: '[2]' });
      await settle();
      assert.equal(upstream.requests.length, 2);
      upstream.release((request) => request.answer(request.body));
      const bodies = (await answersOf([...first, ...second, third])).map(({ body }) => body);
      assert.deepEqual(bodies, [...Array(5).fill('[1]'), ...Array(6).fill('[2]')]);
    });

    test('a deadline is of one call: who follows a slower leader is told so in time', async () => {
      const client = new RawGrpc(`http://127.0.0.1:${gateway.port}`);
      const message = frame(Buffer.concat([modelSpec(modelName('own')), bytesField(2, 'abc')]));
      const [, authorization = ''] = issuer.credential({ subject: 'alice' }, 'valid');
      const call = (more: Record<string, string>) =>
        client.call('/tensorflow.serving.PredictionService/Predict', {
          chunks: [message],
          headers: { authorization, 'x-answer': 'late:3000', ...more },
        });
      const before = grpc.ran.length;
      try {
        const ends = await Promise.all([call({}), call({ 'grpc-timeout': '500m' }), call({ 'grpc-timeout': '30S' })]);
        assert.deepEqual(
          ends.map(({ grpcStatus }) => grpcStatus),
          ['0', '4', '0'],
        );
        assert.equal(grpc.ran.length, before + 1);
        assert.equal(grpc.ran.at(-1)?.headers['grpc-timeout'], undefined);
      } finally {
        client.close();
      }
    });

    test('50 identical calls of gRPC are one, with trailers for each', async () => {
      const clients = Array.from({ length: 10 }, () => new RawGrpc(`http://127.0.0.1:${gateway.port}`));
      const message = frame(Buffer.concat([modelSpec(modelName('shared')), bytesField(2, 'abc')]));
      const [, authorization = ''] = issuer.credential({ subject: 'alice' }, 'valid');
      const before = grpc.ran.length;
      const headers = { authorization, 'x-answer': 'late:1500' };
      const path = '/tensorflow.serving.PredictionService/Predict';
      try {
        const calls = clients.flatMap((client, at) =>
          Array.from({ length: 5 }, () =>
            client.call(path, { chunks: [message], headers: { ...headers, 'grpc-timeout': `${10 + at}S` } }),
          ),
        );
        const ends = await Promise.all(calls);
        assert.ok(ends.every(({ grpcStatus, trailers }) => grpcStatus === '0' && trailers?.['x-trailing'] === 'b, c'));
        assert.equal(grpc.ran.length, before + 1);
        const records = await gateway.records(ends.map((end) => String(end.headers['x-headgate-request-id'])));
        const led = records.filter(({ timing }) => timing.leader !== undefined);
        assert.equal(led.length, 49);
        assert.ok(records.every(({ timing }) => timing.grpcStatus === 0));
        const threads = Object.values(counts(records, ({ worker }) => worker)).join(' + ');
        console.log(
          `coalescing of gRPC on ${name}: 50 calls by threads ${threads}: ${grpc.ran.length - before} call to the service, ${led.length} events name the leader`,
        );
      } finally {
        for (const client of clients) client.close();
      }
    });
  });
}
