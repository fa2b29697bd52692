import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type RestAnswer, RestClient } from './harness/clients.ts';
import { type RestCase, restCases, row } from './harness/rest-cases.ts';
import { ranIn, type ServedCall } from './harness/server.ts';
import { gatedHere, type Served, servedHere } from './harness/suite.ts';

/** `scripts/test.ts` says which engines are there. */
const engines = (process.env.HEADGATE_ENGINES ?? 'embedded,haproxy').split(',') as EngineName[];

describe('plain REST by Python to the TensorFlow runtime', () => {
  const served = servedHere(() => new RestClient());

  for (const engine of engines) suite(engine, served);
});

function suite(engine: EngineName, served: Served<RestClient>): void {
  describe(`through the ${engine} engine`, () => {
    const gated = gatedHere(engine, served);
    /** Ids of the calls that got an answer. */
    const answered: string[] = [];

    async function send(given: Pick<RestCase, 'as' | 'at' | 'body' | 'method'>): Promise<RestAnswer> {
      const { as = 'scorer', at, body, method = 'POST' } = given;
      const answer = await gated.client.send({
        method,
        url: `http://${gated.passage.target}${at.startsWith('/') ? at : `/v1/models/${at}`}`,
        headers: {
          ...(as !== 'nobody' && { authorization: `Bearer ${gated.passage.tokens[as]}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      });
      answered.push(answer.headers['x-headgate-request-id'] ?? 'an answer without an id');
      return answer;
    }

    for (const given of restCases) {
      test(given.title, async () => {
        const { outcome, calls } = await gated.server.during(() => send(given));
        const { ran = [], served = ran.length > 0 } = given;
        assert.equal(outcome.status, given.status, JSON.stringify(outcome.body).slice(0, 500));
        assert.partialDeepStrictEqual(outcome.body, given.answer);
        if (given.says !== undefined) assert.match(JSON.stringify(outcome.body), given.says);
        assert.deepEqual(ranIn(calls), ran);
        assert.equal(calls.length, served ? 1 : 0, 'calls that reached the model server');
      });
    }

    test('predict of 200,000 numbers, about 1 MB each way', async () => {
      const body = { signature_name: 'shift', inputs: [Array.from({ length: 200_000 }, () => 1.5)] };
      const { outcome, calls } = await gated.server.during(() => send({ at: 'finance-prod:predict', body }));
      const { outputs } = outcome.body as { outputs: [number[]] };
      assert.equal(outputs[0].length, 200_000);
      assert.ok(outputs[0].every((each) => each === 13.5));
      assert.deepEqual(ranIn(calls), ['finance-prod/2/shift']);
    });

    test('the model server learns who calls, from Headgate alone', async () => {
      const url = `http://${gated.passage.target}/v1/models/finance-prod:predict`;
      const headers = {
        authorization: `Bearer ${gated.passage.tokens.scorer}`,
        'x-headgate-subject': 'lena',
        x_headgate_subject: 'lena',
        'x-forwarded-for': '192.0.2.1',
        'x-trace': 'kept',
      };
      const { outcome, calls } = await gated.server.during(() =>
        gated.client.send({ method: 'POST', url, headers, body: row }),
      );
      assert.equal(outcome.status, 200);
      const seen = (calls as [ServedCall])[0].metadata;
      assert.equal(seen['x-headgate-subject'], 'batch-scorer');
      assert.equal(seen['x-headgate-issuer'], gated.passage.issuer);
      assert.match(seen['x-headgate-assertion'] ?? '', /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.equal(seen['x-headgate-request-id'], outcome.headers['x-headgate-request-id']);
      assert.equal(seen['x-forwarded-for'], '127.0.0.1');
      assert.equal(seen['x-trace'], 'kept');
      for (const name of ['authorization', 'x_headgate_subject']) assert.equal(seen[name], undefined, name);
    });

    test('every call is in the audit chain once, which verifies after a stop', async () => {
      const { findings, ids } = await gated.passage.stopAndAudit();
      assert.deepEqual(findings, []);
      assert.deepEqual(
        answered.filter((id) => ids.get(id) !== 1),
        [],
      );
    });
  });
}
