import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessPlan, RulePlan } from '../plan/types.ts';
import { createRuleIndex } from './rule-index.ts';

const never = { cel: 'action == ""', reads: { headers: [], address: false, time: false } };

function access(rules: readonly Partial<RulePlan>[]): AccessPlan {
  const base = {
    effect: 'allow',
    file: 'headgate.yaml',
    callers: { kind: 'anyone' },
    actions: { kind: 'any' },
  } as const;
  return {
    environment: 'dev',
    identities: [],
    groups: [],
    services: [],
    rules: rules.map((rule, index) => ({
      ...base,
      ...{ index, name: `r${index}`, line: index + 1, unless: [], limits: [] },
      resources: [{ service: 's', segments: ['**'] }],
      ...rule,
    })),
    reads: {},
  };
}

const member = { groups: new Set(['g']) };
const target = { service: 's', action: 'predict', resource: ['m'] };

function contenders(...rules: Partial<RulePlan>[]): readonly [denies: readonly number[], allows: readonly number[]] {
  const { denies, allows } = createRuleIndex(access(rules)).contenders(target, member);
  return [denies.map(({ index }) => index), allows.map(({ index }) => index)];
}

test('rules about another resource, action or group are no contenders', () => {
  const other = { callers: { kind: 'groups', names: ['h'] } } as const;
  const elsewhere = { resources: [{ service: 's', segments: ['n'] }] };
  const service = { resources: [{ service: 't', segments: ['**'] }] };
  const action = { actions: { kind: 'actions', names: ['status'] } } as const;
  assert.deepEqual(contenders(other, elsewhere, service, action), [[], []]);
});

test('allows end with the first that has no condition', () => {
  assert.deepEqual(contenders({ when: never }, { when: never }, {}, {}, { when: never }), [[], [0, 1, 2]]);
});

test('denies end with the first that nothing can lift, and leave out those that a group lifts', () => {
  const deny = { effect: 'deny' } as const;
  const mine = { ...deny, unless: [{ groups: ['g'] }] };
  const notMine = { ...deny, unless: [{ groups: ['h'], when: never }] };
  const perhaps = { ...deny, unless: [{ when: never }] };
  assert.deepEqual(contenders(mine, perhaps, { ...deny, when: never }, notMine, deny), [[1, 2, 3], []]);
});

test('one that nothing can lift ends the list wherever it stands', () => {
  const deny = { effect: 'deny' } as const;
  assert.deepEqual(contenders({}, {}, deny, deny), [[2], [0]]);
  const liftable = { ...deny, unless: [{ groups: ['h', 'g'], when: never }] };
  assert.deepEqual(contenders(liftable, deny), [[0, 1], []]);
});

test('resources of several segments are told apart', () => {
  const patterns = ['a', 'a/b', 'a/*', '*/b', 'a/**', 'b/a', 'a/b/c'];
  const rules = patterns.map((text) => ({ resources: [{ service: 's', segments: text.split('/') }], when: never }));
  const index = createRuleIndex(access(rules));
  const found = (resource: string): readonly (string | undefined)[] =>
    index.contenders({ ...target, resource: resource.split('/') }, member).allows.map((rule) => patterns[rule.index]);
  assert.deepEqual(found('a'), ['a']);
  assert.deepEqual(found('a/b'), ['a/b', 'a/*', '*/b', 'a/**']);
  assert.deepEqual(found('a/c'), ['a/*', 'a/**']);
  assert.deepEqual(found('a/b/c'), ['a/**', 'a/b/c']);
  assert.deepEqual(found('b/a'), ['b/a']);
});

test('of ten thousand rules only those that could decide are looked at', () => {
  const rules = Array.from({ length: 10_000 }, (_, index) => {
    const name = index % 1000 === 7 ? 'g' : `h${index}`;
    return { callers: { kind: 'groups', names: [name] }, when: never } as const;
  });
  const [, allows] = contenders(...rules);
  assert.equal(allows.length, 10);
});

test('is told the same again after it has forgotten', () => {
  const index = createRuleIndex(access([{}]), 10);
  for (let round = 0; round < 100; round++) {
    const { allows } = index.contenders({ ...target, resource: [`m${round}`] }, { groups: new Set([`g${round}`]) });
    assert.deepEqual(
      allows.map(({ name }) => name),
      ['r0'],
    );
  }
});
