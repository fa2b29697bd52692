import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { RestClient } from './harness/clients.ts';
import { ranIn } from './harness/server.ts';
import { gatedHere, type Served, servedHere } from './harness/suite.ts';
import { versionWords } from './harness/version-words.ts';

/** `scripts/test.ts` says which engines are there. */
const engines = (process.env.HEADGATE_ENGINES ?? 'embedded,haproxy').split(',') as EngineName[];

interface VersionCase {
  readonly title: string;
  readonly as: 'scorer' | 'lead';
  /** Between `/v1/models/` and `:predict`. */
  readonly at: string;
  /** Part of the answer: an offset of 11 is version 1, of 12 version 2. */
  readonly answer: object;
  /** The version of finance-prod that TensorFlow ran; undefined: it was not asked. */
  readonly ran?: 1 | 2;
}

const cases: readonly VersionCase[] = [
  { title: 'none asked for', as: 'scorer', at: 'finance-prod', answer: { predictions: [11] }, ran: 1 },
  { title: 'a name', as: 'scorer', at: 'finance-prod/labels/settled', answer: { predictions: [11] }, ran: 1 },
  { title: 'its number', as: 'scorer', at: 'finance-prod/versions/1', answer: { predictions: [11] }, ran: 1 },
  {
    title: 'a number that is not the scorer’s',
    as: 'scorer',
    at: 'finance-prod/versions/2',
    answer: { code: 'no-rule-allows' },
  },
  {
    title: 'a name that is not the scorer’s',
    as: 'scorer',
    at: 'finance-prod/labels/tried',
    answer: { code: 'no-rule-allows' },
  },
  {
    title: 'the same name by a lead',
    as: 'lead',
    at: 'finance-prod/labels/tried',
    answer: { predictions: [12] },
    ran: 2,
  },
  {
    title: 'a label that the model server has, and Headgate has not',
    as: 'lead',
    at: 'finance-prod/labels/stable',
    answer: { code: 'version-unknown' },
  },
];

describe('versions over REST to the TensorFlow runtime', () => {
  const served = servedHere(() => new RestClient());

  for (const engine of engines) suite(engine, served);
});

function suite(engine: EngineName, served: Served<RestClient>): void {
  describe(`through the ${engine} engine`, () => {
    const gated = gatedHere(engine, served, versionWords);

    for (const { title, as, at, answer, ran } of cases) {
      test(title, async () => {
        const { outcome, calls } = await gated.server.during(() =>
          gated.client.send({
            method: 'POST',
            url: `http://${gated.passage.target}/v1/models/${at}:predict`,
            headers: { authorization: `Bearer ${gated.passage.tokens[as]}`, 'content-type': 'application/json' },
            body: { instances: [[0, 0]] },
          }),
        );
        assert.partialDeepStrictEqual(outcome.body, answer);
        assert.deepEqual(ranIn(calls), ran === undefined ? [] : [`finance-prod/${ran}/serving_default`]);
      });
    }
  });
}
