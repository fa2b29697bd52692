import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlan } from './parse.ts';
import { samplePlan } from './testing/sample-plan.ts';
import { planText } from './text.ts';
import type { Plan, UpstreamPlan } from './types.ts';

const plan = samplePlan();
const queue = { inFlightMax: 8, waitingMax: 20, waitMs: 200 };
const whole: Partial<UpstreamPlan> = {
  timeouts: { connectMs: 200, answerMs: 4000, deadlineMs: 5000 },
  health: { everyMs: 2000, rise: 2, fall: 3 },
  retries: { triesMax: 2, budgetPpm: 200_000 },
  queue: { service: queue, models: { finance: { inFlightMax: 1, waitingMax: 0, waitMs: 0 } } },
  compression: { answers: ['zstd', 'br', 'gzip'], requests: 'gzip' },
  models: { finance: { repeats: { share: 'rule' } } },
};

function withUpstream(traffic: object): Plan {
  return { ...plan, upstreams: plan.upstreams.map((upstream) => ({ ...upstream, ...traffic })) };
}

function refusal(traffic: object): string {
  try {
    parsePlan(planText(withUpstream(traffic)));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'accepted';
}

test('a Plan that says how calls are carried survives its text', () => {
  const rest = { host: 'models.internal', port: 8501 };
  const dns = { rest, grpc: { host: 'models.internal', port: 8500 }, dns: true } as const;
  const said = withUpstream({ ...whole, endpoints: [dns] });
  assert.deepEqual(parsePlan(planText(said)), said);
});

const refused: readonly (readonly [RegExp, object])[] = [
  [/unknown model other/, { models: { other: { sequence: { header: 'x-a' } } } }],
  [/unknown model other/, { queue: { models: { other: queue } } }],
  [
    /keeps a sequence and coalesces/,
    { models: { finance: { sequence: { header: 'x-a' }, repeats: { share: 'rule' } } } },
  ],
  [/by DNS has two names/, { endpoints: [{ rest: { host: 'a', port: 1 }, grpc: { host: 'b', port: 1 }, dns: true }] }],
  [/header/, { models: { finance: { sequence: { header: 'X-A' } } } }],
  [/triesMax/, { retries: { triesMax: 5, budgetPpm: 0 } }],
  [/inFlightMax/, { queue: { service: { ...queue, inFlightMax: 0 } } }],
  [/answers/, { compression: { answers: ['deflate'] } }],
  [/rise/, { health: { everyMs: 2000, rise: 0, fall: 3 } }],
  [/deadlineMs/, { timeouts: { deadlineMs: -1 } }],
];

for (const [reason, traffic] of refused) {
  test(`refused: ${JSON.stringify(traffic).slice(0, 80)}`, () => assert.match(refusal(traffic), reason));
}

test('a Plan whose reads leave out a queue that a rule reads is refused', () => {
  const [rule] = plan.access.rules;
  assert.ok(rule?.when);
  const reads = { ...rule.when.reads, queue: true } as const;
  const access = { ...plan.access, rules: [{ ...rule, when: { cel: 'queue.waiting == 0', reads } }] };
  assert.throws(() => parsePlan(planText(samplePlan(access))), /lacks what rule leads predict reads/);
  const said = samplePlan({ ...access, reads: { scoring: reads } });
  assert.deepEqual(parsePlan(planText(said)), said);
});
