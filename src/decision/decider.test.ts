import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { conditionsOf, readsOf } from '../plan/index.ts';
import type { AccessPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { createDecider } from './decider.ts';
import { accessPlans, questions, truth } from './testing/arbitraries.ts';
import { naiveDecide } from './testing/naive-decide.ts';
import type { Decision } from './types.ts';

const seed = 20_261_121;

function told({ reason, rule }: Decision): string {
  return rule === undefined ? reason : `${reason} ${rule.name}`;
}

test('decides as the sentences of the design do, rule by rule', () => {
  const seen = new Map<string, number>();
  const property = fc.property(accessPlans, fc.array(questions, { minLength: 4, maxLength: 8 }), (access, asked) => {
    const decider = createDecider(access);
    for (const question of asked) {
      const decision = decider.decide(question.operation, question.identity, question.facts);
      assert.equal(told(decision), naiveDecide(access, question, truth));
      assert.equal(decision.outcome, decision.reason === 'rule-allows' ? 'allow' : 'deny');
      assert.deepEqual(decision.limits, decision.rule === undefined ? [] : access.rules[decision.rule.index]?.limits);
      seen.set(decision.reason, (seen.get(decision.reason) ?? 0) + 1);
    }
  });
  fc.assert(property, { seed, numRuns: 2200 });
  for (const reason of ['rule-allows', 'rule-denies', 'no-rule-allows', 'resource-unknown']) {
    assert.ok((seen.get(reason) ?? 0) > 500, `${reason} came up ${seen.get(reason)} times`);
  }
});

test('what is asked twice, or after other questions, has the same answer', () => {
  const property = fc.property(accessPlans, fc.array(questions, { minLength: 2, maxLength: 6 }), (access, asked) => {
    const decider = createDecider(access);
    const answers = () => asked.map(({ operation, identity, facts }) => decider.decide(operation, identity, facts));
    assert.deepEqual(answers(), answers());
    const alone = asked.map(({ operation, identity, facts }) =>
      createDecider(access).decide(operation, identity, facts),
    );
    assert.deepEqual(answers(), alone);
  });
  fc.assert(property, { seed, numRuns: 300 });
});

test('a decision that does not say it reads the time holds at any time', () => {
  const property = fc.property(accessPlans, questions, fc.integer({ min: 0, max: 23 }), (access, question, hour) => {
    const decider = createDecider(access);
    const { operation, identity, facts } = question;
    const decision = decider.decide(operation, identity, facts);
    if (decision.readsTime) return;
    const later = { ...facts, nowMs: facts.nowMs + hour * 3_600_000 };
    assert.equal(told(decider.decide(operation, identity, later)), told(decision));
  });
  fc.assert(property, { seed, numRuns: 1500 });
});

test('where no condition reads the time, no decision says that it does', () => {
  const readsTime = (rule: RulePlan): boolean => conditionsOf(rule).some((conditions) => readsOf(conditions).time);
  const property = fc.property(accessPlans, questions, (access, { operation, identity, facts }) => {
    const timeless = access.rules.filter((rule) => !readsTime(rule)).map((rule, index) => ({ ...rule, index }));
    const decision = createDecider({ ...access, rules: timeless }).decide(operation, identity, facts);
    assert.equal(decision.readsTime, false);
  });
  fc.assert(property, { seed, numRuns: 300 });
});

test('explain names the same decision, and the deciding rule lacks nothing', () => {
  const property = fc.property(accessPlans, questions, (access, { operation, identity, facts }) => {
    const decider = createDecider(access);
    const { decision, rules } = decider.explain(operation, identity, facts);
    assert.deepEqual(decision, decider.decide(operation, identity, facts));
    assert.equal(rules.length, access.rules.length);
    if (decision.rule !== undefined) assert.deepEqual(rules[decision.rule.index]?.lacks, []);
    if (decision.reason !== 'no-rule-allows') return;
    assert.ok(
      rules.every(({ matches }) => !matches),
      'nothing allows, so that every rule lacks something',
    );
  });
  fc.assert(property, { seed, numRuns: 500 });
});

const bare: AccessPlan = { environment: 'test', identities: [], groups: [], services: [], rules: [], reads: {} };

const all: RulePlan = {
  index: 0,
  name: 'all',
  effect: 'allow',
  file: 'headgate.yaml',
  line: 1,
  callers: { kind: 'anyone' },
  actions: { kind: 'any' },
  resources: [{ service: 's', segments: ['**'] }],
  unless: [],
  limits: [],
};

test('a condition that the compiler would not let through is refused when the decider is made', () => {
  const when = { cel: 'request.headers', reads: { headers: [], address: false, time: false } };
  assert.throws(
    () => createDecider({ ...bare, rules: [{ ...all, when }] }),
    /rule all: headers are read one at a time/,
  );
});

test('answers are frozen and shared: deciding allocates none', () => {
  const decider = createDecider({
    ...bare,
    services: [{ name: 's', protocol: 'tensorflow-serving', models: ['m'] }],
    rules: [all],
  });
  const operation: Operation = {
    service: 's',
    protocol: 'tensorflow-serving',
    name: 'predict',
    action: 'predict',
    resource: ['m'],
    model: 'm',
    safe: true,
  };
  const facts = {
    listener: 'public',
    method: 'GET',
    path: '/',
    host: '',
    address: '',
    nowMs: 0,
    header: () => undefined,
  };
  const decision = decider.decide(operation, undefined, facts);
  assert.ok(Object.isFrozen(decision));
  assert.equal(decider.decide(operation, undefined, facts), decision);
});
