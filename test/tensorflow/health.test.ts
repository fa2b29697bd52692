import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadEngine } from '../../src/control/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { RestClient } from './harness/clients.ts';
import { ranIn } from './harness/server.ts';
import { gatedHere, type Served, servedHere } from './harness/suite.ts';
import { versionWords } from './harness/version-words.ts';

/** `scripts/test.ts` says which engines are there; of those, the ones that take it up. */
const present = (process.env.HEADGATE_ENGINES ?? 'embedded,haproxy').split(',') as EngineName[];
const engines: EngineName[] = [];
for (const name of present)
  if ((await loadEngine(name)).capabilities['readiness-by-model'] !== 'refused') engines.push(name);

/** The server has 1 and 2: what the policy calls `tried` isn't there. */
const words = {
  ...versionWords,
  models: '{ finance-prod: { settled: 1, tried: { version: 9, share: 0% } } }',
  health: '{ every: 300ms, rise: 1, fall: 3 }',
};

describe('health of the TensorFlow runtime', () => {
  const served = servedHere(() => new RestClient());

  for (const engine of engines) suite(engine, served);
});

function suite(engine: EngineName, served: Served<RestClient>): void {
  describe(`through the ${engine} engine`, () => {
    const gated = gatedHere(engine, served, words);
    const predict = (as: 'scorer' | 'lead', at: string) =>
      gated.server.during(() =>
        gated.client.send({
          method: 'POST',
          url: `http://${gated.passage.target}/v1/models/${at}:predict`,
          headers: { authorization: `Bearer ${gated.passage.tokens[as]}`, 'content-type': 'application/json' },
          body: { instances: [[0, 0]] },
        }),
      );

    test('a version that it says is AVAILABLE is called', async () => {
      const { outcome, calls } = await predict('scorer', 'finance-prod');
      assert.partialDeepStrictEqual(outcome.body, { predictions: [11] });
      assert.deepEqual(ranIn(calls), ['finance-prod/1/serving_default']);
    });

    test('a version that it does not have is not asked for', async () => {
      const { outcome, calls } = await predict('lead', 'finance-prod/labels/tried');
      assert.partialDeepStrictEqual(outcome.body, { code: 'upstream-unavailable' });
      assert.deepEqual(ranIn(calls), []);
    });
  });
}
