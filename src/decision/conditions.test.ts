import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../identity/types.ts';
import type { AccessPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { type Call, createConditions } from './conditions.ts';

const operation: Operation = {
  service: 'scoring',
  protocol: 'tensorflow-serving',
  name: 'predict',
  action: 'predict',
  resource: ['finance'],
  model: 'finance',
  version: '7',
  safe: true,
};

const ann: Identity = {
  provider: 'staff',
  kind: 'oidc',
  issuer: 'https://id.example',
  subject: 'ann',
  id: 'ann',
  groups: ['leads'],
  client: 'batch',
  expiresAtMs: 0,
};

const call: Call = {
  operation,
  identity: ann,
  facts: {
    listener: 'public',
    method: 'POST',
    path: '/v1/models/finance:predict',
    host: 'scoring.example',
    address: '10.0.0.7',
    nowMs: Date.UTC(2026, 0, 1, 8),
    header: (name) => ({ 'x-a': '1' })[name],
  },
};

function ask(cel: string, asked: Partial<Call> = {}): { readonly outcome: string; readonly readTime: boolean } {
  const condition = { cel, reads: { headers: [], address: false, time: false } };
  const rule: RulePlan = {
    index: 0,
    name: 'r',
    effect: 'allow',
    file: 'headgate.yaml',
    line: 1,
    callers: { kind: 'anyone' },
    actions: { kind: 'any' },
    resources: [],
    when: condition,
    unless: [],
    limits: [],
  };
  const access: AccessPlan = { environment: 'dev', identities: [], groups: [], services: [], rules: [rule], reads: {} };
  const conditions = createConditions(access)({ ...call, ...asked });
  const outcome = conditions.ask(rule);
  return { outcome: outcome.kind === 'failed' ? outcome.error : outcome.kind, readTime: conditions.readTime };
}

const known = [
  'caller.known && caller.subject == "ann" && caller.issuer == "https://id.example"',
  'caller.identity == "staff" && caller.client == "batch" && caller.groups == ["leads"]',
  'resource.service == "scoring" && resource.model == "finance" && resource.version == "7"',
  'action == "predict" && operation == "predict" && environment == "dev"',
  'request.method == "POST" && request.path == "/v1/models/finance:predict"',
  'request.host == "scoring.example" && request.address == "10.0.0.7"',
  'request.headers["x-a"] == "1" && !("x-b" in request.headers)',
];

for (const cel of known) {
  test(`of a known caller ${cel}`, () => assert.deepEqual(ask(cel), { outcome: 'true', readTime: false }));
}

test('of somebody who is not known everything is empty', () => {
  const { model: _model, version: _version, ...plain } = operation;
  const cel =
    '!caller.known && caller.subject == "" && caller.issuer == "" && caller.identity == "" && caller.client == ""' +
    ' && caller.groups == [] && resource.model == "" && resource.version == ""';
  assert.equal(ask(cel, { identity: undefined, operation: plain }).outcome, 'true');
});

test('who the call is made for is empty where nobody is, and has the same names where somebody is', () => {
  assert.equal(ask('!origin.known && origin.subject == "" && size(origin.groups) == 0').outcome, 'true');
  const origin = { provider: 'people', issuer: 'https://i', subject: 'bob', groups: ['leads'] };
  const relayed = { facts: { ...call.facts, origin } };
  const cel =
    'origin.known && origin.subject == "bob" && origin.issuer == "https://i" && origin.identity == "people" && "leads" in origin.groups && origin.client == ""';
  assert.equal(ask(cel, relayed).outcome, 'true');
  assert.equal(ask('caller.subject == "ann"', relayed).outcome, 'true');
});

test('says that it read the time, and why it failed', () => {
  assert.deepEqual(ask('request.time.getHours() == 8'), { outcome: 'true', readTime: true });
  assert.deepEqual(ask('request.headers["x-b"] == "1"'), { outcome: 'No such key: x-b', readTime: false });
  assert.deepEqual(ask('int(caller.subject) > 3'), {
    outcome: 'int() needs a whole decimal number',
    readTime: false,
  });
});

test('a condition that is not of the plan has failed', () => {
  const access: AccessPlan = { environment: 'dev', identities: [], groups: [], services: [], rules: [], reads: {} };
  const condition = { cel: 'caller.known', reads: { headers: [], address: false, time: false } };
  assert.equal(createConditions(access)(call).ask({ when: condition }).kind, 'failed');
});
