import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type RestAnswer, RestClient } from './harness/clients.ts';
import { Passage, type Tokens } from './harness/gateway.ts';
import { ModelServer, ranIn, type ServedCall } from './harness/server.ts';

/** `scripts/test.ts` says which engines are there. */
const engines = (process.env.HEADGATE_ENGINES ?? 'embedded,haproxy').split(',') as EngineName[];

interface RestCase {
  readonly title: string;
  /** Default: the scorer. */
  readonly as?: keyof Tokens | 'nobody';
  readonly method?: 'GET' | 'POST' | 'PUT';
  /** After `/v1/models/`. */
  readonly at: string;
  readonly body?: object | string;
  readonly status: number;
  /** Part of the answer. A refusal of Headgate's has a `code`, one of TensorFlow Serving's an `error`. */
  readonly answer: object;
  /** `model/version/signature` of what TensorFlow ran. */
  readonly ran?: readonly string[];
  /** Whether it got as far as the model server. Default: whether something ran. */
  readonly served?: boolean;
}

const row = { instances: [[1, 3]] };
const examples = { examples: [{ x: [1.5, 2.5] }] };
const refused = (status: number, code: string) => ({ status, answer: { status, code }, served: false });

const cases: readonly RestCase[] = [
  {
    title: 'predict runs the latest version where none is given',
    at: 'finance-prod:predict',
    body: row,
    status: 200,
    answer: { predictions: [14] },
    ran: ['finance-prod/2/serving_default'],
  },
  {
    title: 'predict of a version, several rows',
    at: 'finance-prod/versions/1:predict',
    body: {
      instances: [
        [0, 0],
        [5, 7],
      ],
    },
    status: 200,
    answer: { predictions: [11, 17] },
    ran: ['finance-prod/1/serving_default'],
  },
  {
    title: 'predict in columns, by a signature of its own',
    at: 'finance-prod:predict',
    body: { signature_name: 'shift', inputs: { x: [[1, 2]] } },
    status: 200,
    answer: { outputs: [[13, 14]] },
    ran: ['finance-prod/2/shift'],
  },
  {
    title: 'classify',
    at: 'finance-prod:classify',
    body: { signature_name: 'classify', ...examples },
    status: 200,
    answer: {
      results: [
        [
          ['low', -14],
          ['high', 14],
        ],
      ],
    },
    ran: ['finance-prod/2/classify'],
  },
  {
    title: 'regress, with a context',
    at: 'finance-prod:regress',
    body: { signature_name: 'regress', context: { x: [0.5, 0.5] }, examples: [{}] },
    status: 200,
    answer: { results: [12.5] },
    ran: ['finance-prod/2/regress'],
  },
  {
    title: 'status',
    method: 'GET',
    at: 'finance-prod',
    status: 200,
    answer: { model_version_status: [{ version: '1', state: 'AVAILABLE', status: { error_code: 'OK' } }, {}] },
    served: true,
  },
  {
    title: 'metadata',
    method: 'GET',
    at: 'finance-prod/versions/1/metadata',
    status: 200,
    answer: {
      model_spec: { name: 'finance-prod', version: '1' },
      metadata: {
        signature_def: {
          signature_def: {
            serving_default: { inputs: { x: { dtype: 'DT_FLOAT' } }, method_name: 'tensorflow/serving/predict' },
            classify: { method_name: 'tensorflow/serving/classify' },
            regress: { method_name: 'tensorflow/serving/regress' },
          },
        },
      },
    },
    served: true,
  },
  {
    title: 'a lead may use the other model',
    as: 'lead',
    at: 'finance-credit:predict',
    body: row,
    status: 200,
    answer: { predictions: [24] },
    ran: ['finance-credit/2/serving_default'],
  },
  {
    title: 'of a JSON key that is there twice the first counts, and the model is in the path alone',
    at: 'finance-prod:predict',
    body: '{"signature_name":"shift","signature_name":"nobody","model_spec":{"name":"finance-credit"},"inputs":[[1]]}',
    status: 200,
    answer: { outputs: [[13]] },
    ran: ['finance-prod/2/shift'],
  },
  {
    title: 'TensorFlow Serving says what is wrong with a body, and Headgate passes it on',
    at: 'finance-prod:predict',
    body: '{"instances":',
    status: 400,
    answer: { error: 'JSON Parse error: Expecting value: line 1 column 14 (char 13)' },
    served: true,
  },
  {
    title: 'and which version it does not have',
    at: 'finance-prod/versions/9:predict',
    body: row,
    status: 404,
    answer: { error: 'Servable not found for request: Specific(finance-prod, 9)' },
    served: true,
  },
  {
    title: 'a model that is not the scorer’s',
    at: 'finance-credit:predict',
    body: row,
    ...refused(403, 'no-rule-allows'),
  },
  {
    title: 'someone known whom no rule allows',
    as: 'alice',
    at: 'finance-prod:predict',
    body: row,
    ...refused(403, 'no-rule-allows'),
  },
  { title: 'nobody', as: 'nobody', at: 'finance-prod:predict', body: row, ...refused(401, 'credential-missing') },
  {
    title: 'a model that the policy does not name',
    as: 'lead',
    at: 'nobody:predict',
    body: row,
    ...refused(403, 'resource-unknown'),
  },
  // What TensorFlow Serving reads as finance-credit, and a careless proxy doesn't.
  {
    title: 'a needless escape, which `requests` undoes before it sends it',
    at: 'finance%2Dcredit:predict',
    body: row,
    ...refused(403, 'no-rule-allows'),
  },
  { title: 'an escape in a name', at: 'finance-prod%20:predict', body: row, ...refused(403, 'operation-unknown') },
  { title: 'an operation in capitals', at: 'finance-prod:PREDICT', body: row, ...refused(403, 'operation-unknown') },
  { title: 'a resource in capitals', method: 'GET', at: 'finance-prod/METADATA', ...refused(403, 'operation-unknown') },
  {
    title: 'a version with a leading zero',
    at: 'finance-prod/versions/01:predict',
    body: row,
    ...refused(403, 'operation-unknown'),
  },
  {
    title: 'another method',
    method: 'PUT',
    at: 'finance-prod:predict',
    body: row,
    ...refused(405, 'method-not-allowed'),
  },
];

describe('plain REST by Python to the TensorFlow runtime', () => {
  let server: ModelServer;
  let client: RestClient;

  before(async () => {
    client = new RestClient();
    server = await ModelServer.start();
  });

  after(async () => {
    await client?.stop();
    await server?.stop();
  });

  for (const engine of engines) suite(engine, () => ({ server, client }));
});

function suite(engine: EngineName, parts: () => { server: ModelServer; client: RestClient }): void {
  describe(`through the ${engine} engine`, () => {
    let server: ModelServer;
    let client: RestClient;
    let passage: Passage;
    /** Ids of the calls that got an answer. */
    const answered: string[] = [];

    before(async () => {
      ({ server, client } = parts());
      passage = await Passage.open(engine, server);
    });

    after(() => passage?.close());

    async function send(given: Pick<RestCase, 'as' | 'at' | 'body' | 'method'>): Promise<RestAnswer> {
      const { as = 'scorer', at, body, method = 'POST' } = given;
      const answer = await client.send({
        method,
        url: `http://${passage.target}/v1/models/${at}`,
        headers: {
          ...(as !== 'nobody' && { authorization: `Bearer ${passage.tokens[as]}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      });
      answered.push(answer.headers['x-headgate-request-id'] ?? 'an answer without an id');
      return answer;
    }

    for (const given of cases) {
      test(given.title, async () => {
        const { outcome, calls } = await server.during(() => send(given));
        const { ran = [], served = ran.length > 0 } = given;
        assert.equal(outcome.status, given.status, JSON.stringify(outcome.body).slice(0, 500));
        assert.partialDeepStrictEqual(outcome.body, given.answer);
        assert.deepEqual(ranIn(calls), ran);
        assert.equal(calls.length, served ? 1 : 0, 'calls that reached the model server');
      });
    }

    test('predict of 200,000 numbers, about 1 MB each way', async () => {
      const body = { signature_name: 'shift', inputs: [Array.from({ length: 200_000 }, () => 1.5)] };
      const { outcome, calls } = await server.during(() => send({ at: 'finance-prod:predict', body }));
      const { outputs } = outcome.body as { outputs: [number[]] };
      assert.equal(outputs[0].length, 200_000);
      assert.ok(outputs[0].every((each) => each === 13.5));
      assert.deepEqual(ranIn(calls), ['finance-prod/2/shift']);
    });

    test('the model server learns who calls, from Headgate alone', async () => {
      const url = `http://${passage.target}/v1/models/finance-prod:predict`;
      const headers = {
        authorization: `Bearer ${passage.tokens.scorer}`,
        'x-headgate-subject': 'lena',
        x_headgate_subject: 'lena',
        'x-forwarded-for': '192.0.2.1',
        'x-trace': 'kept',
      };
      const { outcome, calls } = await server.during(() => client.send({ method: 'POST', url, headers, body: row }));
      assert.equal(outcome.status, 200);
      const seen = (calls as [ServedCall])[0].metadata;
      assert.equal(seen['x-headgate-subject'], 'batch-scorer');
      assert.equal(seen['x-headgate-issuer'], passage.issuer);
      assert.match(seen['x-headgate-assertion'] ?? '', /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.equal(seen['x-headgate-request-id'], outcome.headers['x-headgate-request-id']);
      assert.equal(seen['x-forwarded-for'], '127.0.0.1');
      assert.equal(seen['x-trace'], 'kept');
      for (const name of ['authorization', 'x_headgate_subject']) assert.equal(seen[name], undefined, name);
    });

    test('every call is in the audit chain once, which verifies after a stop', async () => {
      const { findings, ids } = await passage.stopAndAudit();
      assert.deepEqual(findings, []);
      assert.deepEqual(
        answered.filter((id) => ids.get(id) !== 1),
        [],
      );
    });
  });
}
