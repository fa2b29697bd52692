import type { Tokens } from './gateway.ts';

/** A call over REST, and what comes of it. */
export interface RestCase {
  readonly title: string;
  /** Default: the scorer. */
  readonly as?: keyof Tokens | 'nobody';
  readonly method?: 'GET' | 'POST' | 'PUT';
  /** After `/v1/models/`, or a whole path. */
  readonly at: string;
  readonly body?: object | string;
  readonly status: number;
  /** Part of the answer. A refusal of Headgate's has a `code`, one of TensorFlow Serving's an `error`. */
  readonly answer: object;
  /** What its text holds. */
  readonly says?: RegExp;
  /** `model/version/signature` of what TensorFlow ran. */
  readonly ran?: readonly string[];
  /** Whether it got as far as the model server. Default: whether something ran. */
  readonly served?: boolean;
}

/** One row of two numbers, the mean of which is 2. */
export const row = { instances: [[1, 3]] };
const examples = { examples: [{ x: [1.5, 2.5] }] };
const refused = (status: number, code: string) => ({ status, answer: { status, code }, served: false });

/** Of the policy of `gateway.ts`. Answers tell models and versions apart: see `../python/saved_models.py`. */
export const restCases: readonly RestCase[] = [
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
    body: '{"signature_name":"shift","signature_name":"nobody","model_spec":{"name":"finance-credit"},"inputs":[[1]]}{}',
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
    title: 'TensorFlow says that the features of an example are of the wrong type',
    at: 'finance-prod:regress',
    body: { signature_name: 'regress', examples: [{ x: [1, 2] }] },
    status: 400,
    answer: {},
    says: /Data types don't match\. Data type: int64 but expected type: float/,
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
  {
    title: 'a path in capitals',
    at: '/V1/Models/finance-credit:predict',
    body: row,
    ...refused(403, 'operation-unknown'),
  },
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
