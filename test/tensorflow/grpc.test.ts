import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type GrpcCall, GrpcClient, type GrpcOutcome } from './harness/clients.ts';
import { dishonestMessages, predictMethod } from './harness/dishonest-messages.ts';
import type { Tokens } from './harness/gateway.ts';
import { inferences } from './harness/grpc-cases.ts';
import { refusals } from './harness/grpc-refusals.ts';
import { ranIn, type ServedCall } from './harness/server.ts';
import { gatedHere, type Served, servedHere } from './harness/suite.ts';

/** Engines that take gRPC, of those that `scripts/test.ts` says are there. */
const speakGrpc: readonly EngineName[] = ['embedded', 'haproxy'];
const engines = speakGrpc.filter((name) => process.env.HEADGATE_ENGINES?.split(',').includes(name) ?? true);

/** HAProxy has sent the head on when it meets a second model_spec beyond its buffer: it can only break the call off. */
const largeRefusals: Readonly<Record<EngineName, readonly string[]>> = {
  embedded: ['INVALID_ARGUMENT'],
  haproxy: ['INVALID_ARGUMENT', 'INTERNAL'],
};
const smallBytesMax = 8000;

describe('the official stubs to the TensorFlow runtime', () => {
  const served = servedHere(() => new GrpcClient());

  for (const engine of engines) suite(engine, served);
});

function suite(engine: EngineName, served: Served<GrpcClient>): void {
  describe(`through the ${engine} engine`, () => {
    const gated = gatedHere(engine, served);
    /** Ids of the calls that got an answer. */
    const answered: string[] = [];

    async function send(call: GrpcCall, as: keyof Tokens | 'nobody' | 'garbage' = 'scorer'): Promise<GrpcOutcome> {
      const token = as === 'nobody' ? undefined : as === 'garbage' ? 'not-a-token' : gated.passage.tokens[as];
      const outcome = await gated.client.send(gated.passage.target, call, token);
      const id = requestId(outcome);
      if (id !== undefined) answered.push(id);
      return outcome;
    }

    for (const { title, call, code = 'OK', response, ran } of inferences) {
      test(title, async () => {
        const { outcome, calls } = await gated.server.during(() => send(call));
        assert.equal(outcome.code, code, outcome.details);
        if (code === 'OK') assert.equal(outcome.trailing['x-answered-by'], call.operation);
        if (response !== undefined) assert.partialDeepStrictEqual(outcome.response, response);
        assert.deepEqual(ranIn(calls), ran);
      });
    }

    for (const { title, as, call, code } of refusals) {
      test(`refused: ${title}`, async () => {
        const { outcome, calls } = await gated.server.during(() => send(call, as));
        assert.equal(outcome.code, code, outcome.details);
        assert.notEqual(outcome.details, '', 'it says why');
        assert.ok(requestId(outcome), 'it says which call it was');
        assert.deepEqual(calls, []);
      });
    }

    for (const { title, message, mayPass = false } of dishonestMessages) {
      test(`never read in two ways: ${title}`, async () => {
        const call: GrpcCall = { operation: 'Raw', method: predictMethod, message: message.toString('base64') };
        const { outcome, calls } = await gated.server.during(() => send(call));
        const passed = mayPass && outcome.code === 'OK';
        const codes = message.length > smallBytesMax ? largeRefusals[engine] : ['INVALID_ARGUMENT'];
        if (!passed) assert.ok(codes.includes(outcome.code), `${outcome.code} ${outcome.details}`);
        assert.deepEqual(ranIn(calls), passed ? ['finance-prod/2/serving_default'] : []);
      });
    }

    test('what TensorFlow Serving refuses comes through with its words', async () => {
      const outcome = await send({ operation: 'Predict', model: 'finance-prod', signature: 'nobody' });
      assert.equal(outcome.code, 'FAILED_PRECONDITION');
      assert.equal(outcome.details, 'Serving signature key "nobody" not found.');
      assert.equal(outcome.trailing['x-answered-by'], 'Predict');
    });

    test('the other model, by one who may', async () => {
      const { outcome, calls } = await gated.server.during(() =>
        send({ operation: 'Predict', model: 'finance-credit' }, 'writer'),
      );
      assert.equal(outcome.code, 'OK', outcome.details);
      assert.deepEqual(ranIn(calls), ['finance-credit/2/serving_default']);
    });

    test('the configuration is reloaded by one whom a rule names it', async () => {
      const labels = { 'finance-prod': { stable: 1, canary: 2 }, 'finance-credit': { stable: 1, canary: 2 } };
      const call: GrpcCall = { operation: 'HandleReloadConfigRequest', labels, models: gated.server.models };
      const { outcome, calls } = await gated.server.during(() => send(call, 'lead'));
      assert.equal(outcome.code, 'OK', outcome.details);
      assert.equal(calls.length, 1);
    });

    test('the model server learns who calls, from Headgate alone', async () => {
      const metadata = {
        'x-headgate-subject': 'lena',
        x_headgate_subject: 'lena',
        'x-forwarded-for': '192.0.2.1',
        'x-trace': 'kept',
      };
      const call: GrpcCall = { operation: 'Predict', model: 'finance-prod', metadata };
      const { outcome, calls } = await gated.server.during(() => send(call));
      assert.equal(outcome.code, 'OK', outcome.details);
      const seen = (calls as [ServedCall])[0].metadata;
      assert.equal(seen['x-headgate-subject'], 'batch-scorer');
      assert.equal(seen['x-headgate-issuer'], gated.passage.issuer);
      assert.match(seen['x-headgate-assertion'] ?? '', /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.equal(seen['x-headgate-request-id'], requestId(outcome));
      assert.equal(seen['x-forwarded-for'], '127.0.0.1');
      assert.equal(seen['x-trace'], 'kept');
      for (const name of ['authorization', 'x_headgate_subject']) assert.equal(seen[name], undefined, name);
    });

    test('a deadline reaches the server, and ends the call there', async () => {
      const { outcome, calls } = await gated.server.during(async () => {
        const metadata = { 'x-test-wait-ms': '1000' };
        const ended = await send({ operation: 'Predict', model: 'finance-prod', timeoutMs: 300, metadata });
        await gated.server.calledTimes('x-test-wait-ms', 1 + engines.indexOf(engine));
        return ended;
      });
      assert.equal(outcome.code, 'DEADLINE_EXCEEDED');
      const [call] = calls;
      assert.ok(typeof call?.deadlineMs === 'number' && call.deadlineMs < 320, `${call?.deadlineMs} ms were left`);
      assert.equal(call.cancelled, true);
    });

    test('every call is in the audit chain once, which verifies after a stop', async () => {
      const { findings, ids } = await gated.passage.stopAndAudit();
      assert.deepEqual(findings, []);
      assert.ok(answered.length >= inferences.length + refusals.length - 1);
      assert.deepEqual(
        answered.filter((id) => ids.get(id) !== 1),
        [],
      );
    });
  });
}

/** A refusal has its id beside its status; gRPC calls both of them trailing. */
function requestId({ initial, trailing }: GrpcOutcome): string | undefined {
  return initial['x-headgate-request-id'] ?? trailing['x-headgate-request-id'];
}
