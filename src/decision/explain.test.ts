import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../identity/types.ts';
import type { AccessPlan, ConditionPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { checkCel } from './cel.ts';
import { createDecider } from './decider.ts';

function condition(cel: string): ConditionPlan {
  const checked = checkCel(cel);
  assert.ok('reads' in checked);
  return { cel, reads: checked.reads };
}

const all: RulePlan = {
  index: 0,
  name: 'all',
  effect: 'allow',
  file: 'headgate.yaml',
  line: 7,
  callers: { kind: 'anyone' },
  actions: { kind: 'any' },
  resources: [{ service: 'scoring', segments: ['**'] }],
  unless: [],
  limits: [],
};

const operation: Operation = {
  service: 'scoring',
  protocol: 'tensorflow-serving',
  name: 'status',
  action: 'status',
  resource: ['finance-prod'],
  model: 'finance-prod',
  safe: true,
};

const ann: Identity = {
  provider: 'staff',
  kind: 'oidc',
  issuer: 'https://id.example',
  subject: 'ann',
  id: 'ann',
  groups: ['leads'],
  expiresAtMs: 0,
};

const facts = {
  listener: 'public',
  method: 'GET',
  path: '/',
  host: '',
  address: '127.0.0.1',
  nowMs: 0,
  header: () => undefined,
};

function lacks(rule: Partial<RulePlan>, caller: Identity | 'nobody' = ann): readonly string[] {
  const access: AccessPlan = {
    environment: 'dev',
    identities: [],
    groups: [
      { name: 'finance-leads', anyOf: [{ allOf: [{ identity: 'staff', group: ['leads'] }] }] },
      { name: 'finance-apps', anyOf: [{ allOf: [{ identity: 'staff', client: ['scorer'] }] }] },
    ],
    services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['finance-prod'] }],
    rules: [{ ...all, ...rule }],
    reads: {},
  };
  const [explained] = createDecider(access).explain(operation, caller === 'nobody' ? undefined : caller, facts).rules;
  assert.equal(explained?.matches, explained?.lacks.length === 0);
  return explained?.lacks ?? [];
}

test('says what a rule lacks, in words', () => {
  assert.deepEqual(lacks({}), []);
  assert.deepEqual(lacks({ callers: { kind: 'groups', names: ['finance-apps'] } }), ['caller is not in finance-apps']);
  assert.deepEqual(lacks({ actions: { kind: 'actions', names: ['predict'] } }), ['action status is not predict']);
  assert.deepEqual(lacks({ actions: { kind: 'actions', names: ['predict', 'metadata'] } }), [
    'action status is not predict or metadata',
  ]);
  assert.deepEqual(lacks({ resources: [{ service: 'scoring', segments: ['fraud-*'] }] }), [
    'resource scoring/finance-prod is not scoring/fraud-*',
  ]);
});

test('says it of somebody who is not known', () => {
  const callers = { kind: 'groups', names: ['finance-apps', 'finance-leads'] } as const;
  assert.deepEqual(lacks({ callers }, 'nobody'), ['caller is not known, finance-apps or finance-leads is asked for']);
});

test('tells a condition that is false from one that failed', () => {
  assert.deepEqual(lacks({ when: condition('request.method == "POST"') }), [
    'condition is false: request.method == "POST"',
  ]);
  const failing = condition('request.headers["x-region"] == "eu"');
  assert.deepEqual(lacks({ when: failing }), [
    'condition failed: No such key: x-region in request.headers["x-region"] == "eu"',
  ]);
  assert.deepEqual(lacks({ effect: 'deny', when: failing }), [], 'a deny matches where its condition fails');
});

test('says each typed condition that lacks, and who answers for the rule', () => {
  assert.deepEqual(lacks({ via: ['internal'], from: ['10.0.0.0/8'] }), [
    'listener public is not internal; address 127.0.0.1 is not in 10.0.0.0/8',
  ]);
  const night = { days: [4], fromMinute: 0, toMinute: 360, zone: 'UTC' } as const;
  assert.deepEqual(lacks({ effect: 'deny', unless: [{ via: ['public'], during: [night] }] }), [
    'exempted: it comes in by public, and it is within thu 00:00-06:00 UTC',
  ]);
  const access: AccessPlan = {
    ...{ environment: 'dev', identities: [], groups: [], reads: {} },
    services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['finance-prod'] }],
    rules: [{ ...all, owner: 'leads', note: 'Reviewed.' }],
  };
  const [explained] = createDecider(access).explain(operation, ann, facts).rules;
  assert.deepEqual([explained?.owner, explained?.note], ['leads', 'Reviewed.']);
});

test('says what exempts from a deny', () => {
  const known = condition('caller.known');
  assert.deepEqual(lacks({ effect: 'deny', unless: [{ groups: ['finance-leads'] }] }), [
    'exempted: caller is in finance-leads',
  ]);
  assert.deepEqual(lacks({ effect: 'deny', unless: [{ groups: ['finance-leads'], when: known }] }), [
    'exempted: caller is in finance-leads, and condition holds: caller.known',
  ]);
  assert.deepEqual(lacks({ effect: 'deny', unless: [{ groups: ['finance-apps'], when: known }] }), []);
  assert.deepEqual(lacks({ effect: 'deny', unless: [{ when: condition('request.headers["x"] == ""') }] }), []);
});

test('lists all that is lacking, and not more names than anybody reads', () => {
  const names = Array.from({ length: 20 }, (_, index) => `a${index}`);
  const found = lacks({ callers: { kind: 'groups', names: ['finance-apps'] }, actions: { kind: 'actions', names } });
  assert.deepEqual(found, [
    'caller is not in finance-apps',
    'action status is not a0, a1, a2, a3, a4, a5, a6, a7 or 12 others',
  ]);
});

test('says of a model that the policy does not name that it does not', () => {
  const access = { environment: 'dev', identities: [], groups: [], services: [], rules: [all], reads: {} };
  const { decision, rules } = createDecider(access).explain(operation, ann, facts);
  assert.equal(decision.reason, 'resource-unknown');
  assert.deepEqual(rules[0]?.lacks, ['resource scoring/finance-prod is not named in the policy']);
});
