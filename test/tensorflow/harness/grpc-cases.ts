import type { GrpcCall } from './clients.ts';

/** A call that an honest client makes, and what TensorFlow answers to it. */
export interface GrpcCase {
  readonly title: string;
  readonly call: GrpcCall;
  /** gRPC's name of the status. Default `OK`. */
  readonly code?: string;
  /** Part of the response. */
  readonly response?: object;
  /** `model/version/signature`, in order. */
  readonly ran: readonly string[];
}

const scored = (score: number) => ({ outputs: { score: { shape: [1], first: score } } });
const shifted = (size: number) => ({ outputs: { shifted: { shape: [1, size / 4], first: 15, last: 15 } } });
const prod = 'finance-prod';

/** Without a version the latest one runs, which is 2; `stable` is 1, `canary` is 2. Answers tell models and versions apart. */
export const inferences: readonly GrpcCase[] = [
  {
    title: 'Predict runs the latest version where none is given',
    call: { operation: 'Predict', model: prod },
    response: { model_spec: { name: prod, version: '2', signature_name: 'serving_default' }, ...scored(12) },
    ran: ['finance-prod/2/serving_default'],
  },
  {
    title: 'Predict of 1 kB',
    call: { operation: 'Predict', model: prod, signature: 'shift', size: 1000, value: 3 },
    response: shifted(1000),
    ran: ['finance-prod/2/shift'],
  },
  {
    title: 'Predict of 150 kB',
    call: { operation: 'Predict', model: prod, signature: 'shift', size: 150_000, value: 3 },
    response: shifted(150_000),
    ran: ['finance-prod/2/shift'],
  },
  {
    title: 'Predict of 5 MB, by a client that takes such answers',
    call: {
      operation: 'Predict',
      model: prod,
      signature: 'shift',
      size: 5_000_000,
      value: 3,
      receiveMax: 64 * 1024 * 1024,
    },
    response: shifted(5_000_000),
    ran: ['finance-prod/2/shift'],
  },
  {
    title: 'Predict of 5 MB, by a client that takes 4 MB, as all do unless told otherwise',
    call: { operation: 'Predict', model: prod, signature: 'shift', size: 5_000_000 },
    code: 'RESOURCE_EXHAUSTED',
    ran: ['finance-prod/2/shift'],
  },
  {
    title: 'Classify',
    call: { operation: 'Classify', model: prod, signature: 'classify', value: 1 },
    response: {
      result: {
        classifications: [
          {
            classes: [
              { label: 'low', score: -13 },
              { label: 'high', score: 13 },
            ],
          },
        ],
      },
    },
    ran: ['finance-prod/2/classify'],
  },
  {
    title: 'Regress',
    call: { operation: 'Regress', model: prod, signature: 'regress', value: 2 },
    response: { result: { regressions: [{ value: 14 }] } },
    ran: ['finance-prod/2/regress'],
  },
  {
    title: 'MultiInference of two tasks',
    call: {
      operation: 'MultiInference',
      value: 1,
      tasks: [
        { model: prod, signature: 'classify', method: 'classify' },
        { model: prod, signature: 'regress', method: 'regress' },
      ],
    },
    response: { results: [{ model_spec: { name: prod, version: '2' } }, { regression_result: {} }] },
    ran: ['finance-prod/2/classify', 'finance-prod/2/regress'],
  },
  {
    title: 'GetModelMetadata',
    call: { operation: 'GetModelMetadata', model: prod },
    response: { model_spec: { name: prod, version: '2' } },
    ran: [],
  },
  {
    title: 'GetModelStatus',
    call: { operation: 'GetModelStatus', model: prod },
    response: {
      model_version_status: [
        { version: '1', state: 'AVAILABLE' },
        { version: '2', state: 'AVAILABLE' },
      ],
    },
    ran: [],
  },
];

export const versions: readonly GrpcCase[] = [
  {
    title: 'a version by its number',
    call: { operation: 'Predict', model: prod, version: 1 },
    response: { model_spec: { version: '1' }, ...scored(11) },
    ran: ['finance-prod/1/serving_default'],
  },
  {
    title: 'a version by its label',
    call: { operation: 'Predict', model: prod, label: 'stable' },
    response: { model_spec: { version: '1' }, ...scored(11) },
    ran: ['finance-prod/1/serving_default'],
  },
];
