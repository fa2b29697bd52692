import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type GrpcCall, GrpcClient } from './harness/clients.ts';
import { dishonestMessages, predictMethod } from './harness/dishonest-messages.ts';
import { ranIn } from './harness/server.ts';
import { gatedHere, type Served, servedHere } from './harness/suite.ts';
import { versionWords } from './harness/version-words.ts';

/** Engines that take gRPC, of those that `scripts/test.ts` says are there. */
const speakGrpc: readonly EngineName[] = ['embedded', 'haproxy'];
const engines = speakGrpc.filter((name) => process.env.HEADGATE_ENGINES?.split(',').includes(name) ?? true);

interface VersionCase {
  readonly title: string;
  readonly as: 'scorer' | 'lead';
  readonly call: GrpcCall;
  /** Default `OK`. */
  readonly code?: string;
  /** `version/signature` of finance-prod. */
  readonly ran: readonly string[];
}

const model = 'finance-prod';
const tasks = (words: object) =>
  [
    { ...words, model, signature: 'classify', method: 'classify' },
    { ...words, model, signature: 'regress', method: 'regress' },
  ] as const;

const cases: readonly VersionCase[] = [
  { title: 'none asked for', as: 'scorer', call: { operation: 'Predict', model }, ran: ['1/serving_default'] },
  {
    title: 'none asked for, with 1 MB',
    as: 'scorer',
    call: { operation: 'Predict', model, size: 1_000_000 },
    ran: ['1/serving_default'],
  },
  {
    title: 'none asked for, Regress',
    as: 'scorer',
    call: { operation: 'Regress', model, signature: 'regress' },
    ran: ['1/regress'],
  },
  {
    title: 'none asked for, MultiInference',
    as: 'scorer',
    call: { operation: 'MultiInference', tasks: tasks({}) },
    ran: ['1/classify', '1/regress'],
  },
  {
    title: 'a name',
    as: 'scorer',
    call: { operation: 'Predict', model, label: 'settled' },
    ran: ['1/serving_default'],
  },
  { title: 'its number', as: 'scorer', call: { operation: 'Predict', model, version: 1 }, ran: ['1/serving_default'] },
  {
    title: 'a number that is not the scorer’s',
    as: 'scorer',
    call: { operation: 'Predict', model, version: 2 },
    code: 'PERMISSION_DENIED',
    ran: [],
  },
  {
    title: 'a name that is not the scorer’s',
    as: 'scorer',
    call: { operation: 'Predict', model, label: 'tried', size: 1_000_000 },
    code: 'PERMISSION_DENIED',
    ran: [],
  },
  {
    title: 'the same name by a lead',
    as: 'lead',
    call: { operation: 'Predict', model, label: 'tried' },
    ran: ['2/serving_default'],
  },
  {
    title: 'the same name by a lead, MultiInference',
    as: 'lead',
    call: { operation: 'MultiInference', tasks: tasks({ label: 'tried' }) },
    ran: ['2/classify', '2/regress'],
  },
  {
    title: 'a label that the model server has, and Headgate has not',
    as: 'lead',
    call: { operation: 'Predict', model, label: 'stable' },
    code: 'PERMISSION_DENIED',
    ran: [],
  },
];

describe('versions over gRPC to the TensorFlow runtime', () => {
  const served = servedHere(() => new GrpcClient());

  for (const engine of engines) suite(engine, served);
});

function suite(engine: EngineName, served: Served<GrpcClient>): void {
  describe(`through the ${engine} engine`, () => {
    const gated = gatedHere(engine, served, versionWords);

    for (const { title, as, call, code = 'OK', ran } of cases) {
      test(title, async () => {
        const { outcome, calls } = await gated.server.during(() =>
          gated.client.send(gated.passage.target, call, gated.passage.tokens[as]),
        );
        assert.equal(outcome.code, code, outcome.details);
        assert.deepEqual(
          ranIn(calls),
          ran.map((each) => `${model}/${each}`),
        );
      });
    }

    for (const { title, message } of dishonestMessages) {
      test(`the scorer's version, or none: ${title}`, async () => {
        const call: GrpcCall = { operation: 'Raw', method: predictMethod, message: message.toString('base64') };
        const { calls } = await gated.server.during(() =>
          gated.client.send(gated.passage.target, call, gated.passage.tokens.scorer),
        );
        const others = ranIn(calls).filter((each) => each !== `${model}/1/serving_default`);
        assert.deepEqual(others, []);
      });
    }
  });
}
