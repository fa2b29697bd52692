import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AccessPlan, Plan, RulePlan } from '../../../src/plan/types.ts';
import type { PlanChange } from '../harness/gateway.ts';
import { type Pair, startPair } from './pair.ts';
import { rules } from './policies.ts';
import { requests } from './requests.ts';

/** `HEADGATE_SEED` runs other pairs, `HEADGATE_PAIRS` more of them. */
const seed = Number(process.env.HEADGATE_SEED ?? 20_261_121);
const pairsMin = Number(process.env.HEADGATE_PAIRS ?? 10_000);
const batchRuns = 40;

function property(pair: Pair): fc.IAsyncProperty<[Parameters<Pair['compare']>[0], Parameters<Pair['compare']>[1]]> {
  return fc.asyncProperty(rules, requests, (shapes, list) => pair.compare(shapes, list));
}

const operations = ['predict', 'classify', 'regress', 'status', 'metadata'];

/** Every combination that can occur at all, and must occur often. */
const reasonsByForm: Readonly<Record<string, readonly string[]>> = {
  valid: ['rule-allows', 'rule-denies', 'no-rule-allows', 'resource-unknown', 'limit-exceeded'],
  'lower-case-scheme': ['rule-allows'],
  none: ['credential-missing', 'rule-allows'],
  expired: ['credential-expired'],
  'not-yet-valid': ['credential-not-yet-valid'],
  'wrong-audience': ['credential-audience'],
  'wrong-issuer': ['credential-issuer'],
  'bad-signature': ['credential-signature'],
  'unknown-kid': ['credential-signature'],
  'alg-none': ['credential-algorithm'],
  'alg-hs256': ['credential-algorithm'],
  'wrong-type': ['credential-type'],
  'unknown-crit': ['credential-malformed'],
  'no-expiry': ['credential-malformed'],
  'duplicate-claim': ['credential-malformed'],
  padded: ['credential-malformed'],
  'two-parts': ['credential-malformed'],
  'empty-token': ['credential-malformed'],
  'basic-scheme': ['credential-malformed'],
  'two-credentials': ['credential-ambiguous'],
  'proxy-authorization': ['credential-ambiguous'],
};

test('two engines answer the same', { timeout: 600_000 }, async (context) => {
  const pair = await startPair();
  try {
    for (let batch = 0; pair.counts.pairs < pairsMin; batch += 1) {
      await fc.assert(property(pair), { seed: seed + batch, numRuns: batchRuns, endOnFailure: false });
    }
  } finally {
    await pair.stop();
  }
  const { pairs, permits, denials } = pair.counts;
  const share = (part: number): string => `${((100 * part) / pairs).toFixed(1)} %`;
  context.diagnostic(
    `${pairs} pairs, 0 disagreements; ${share(permits)} permits, ${share(denials)} denials; seed ${seed}`,
  );
  assert.ok(permits >= 0.3 * pairs && denials >= 0.3 * pairs, `permits ${share(permits)}, denials ${share(denials)}`);
  const wanted = operations.flatMap((operation) =>
    Object.entries(reasonsByForm).flatMap(([form, reasons]) =>
      reasons.map((reason) => `${operation} · ${form} · ${reason}`),
    ),
  );
  const rare = wanted
    .filter((cell) => (pair.cells.get(cell) ?? 0) < 20)
    .map((cell) => `${cell}: ${pair.cells.get(cell) ?? 0}`);
  assert.deepEqual(rare, [], 'each operation × credential form × reason at least 20 times');
});

const access =
  (change: (access: AccessPlan) => Partial<AccessPlan>): PlanChange =>
  (plan: Plan) => ({
    ...plan,
    access: { ...plan.access, ...change(plan.access) },
  });

const everyRule = (change: (rule: RulePlan) => RulePlan): PlanChange =>
  access(({ rules }) => ({ rules: rules.map(change) }));

/** Defects of one engine, each of a kind that a wrong translation could make. The differential run has to find every one. */
const defects: Readonly<Record<string, PlanChange>> = {
  'denies forgotten': access(({ rules }) => ({ rules: rules.filter(({ effect }) => effect === 'allow') })),
  'exemptions forgotten': everyRule((rule) => ({ ...rule, unless: [] })),
  'conditions forgotten': everyRule(({ when: _when, ...rule }) => rule),
  'a limit one too generous': everyRule((rule) => ({
    ...rule,
    limits: rule.limits.map((limit) => ({ ...limit, burst: limit.burst + 1 })),
  })),
  'limits forgotten': everyRule((rule) => ({ ...rule, limits: [] })),
  'actions ignored': everyRule((rule) => ({ ...rule, actions: { kind: 'any' } })),
  'headers missing in the key of a kept decision': access(() => ({ reads: {} })),
  'another audience accepted': access(({ identities }) => ({
    identities: identities.map((each) =>
      'audience' in each ? { ...each, audience: [...each.audience, 'somebody-else'] } : each,
    ),
  })),
  'expiry not looked at': access(({ identities }) => ({
    identities: identities.map((each) => ('skewSeconds' in each ? { ...each, skewSeconds: 86_400 } : each)),
  })),
  'rules in another order': access(({ rules }) => ({
    rules: rules.toReversed().map((rule, index) => ({ ...rule, index })),
  })),
};

describe('planted defects are found', () => {
  for (const [name, change] of Object.entries(defects)) {
    const engine = Object.keys(defects).indexOf(name) % 2 === 0 ? 'haproxy' : 'embedded';
    test(`${name}, in ${engine}`, { timeout: 120_000 }, async () => {
      const pair = await startPair({ [engine]: change });
      try {
        const found = await fc.check(property(pair), { seed, numRuns: 200, endOnFailure: true });
        assert.ok(found.failed, `${name}: ${pair.counts.pairs} pairs were equal`);
      } finally {
        await pair.stop();
      }
    });
  }
});
