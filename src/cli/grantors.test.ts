import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RuleExplanation } from '../decision/index.ts';
import type { AccessPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/index.ts';
import { grantorsOf, grantorsText } from './grantors.ts';

const operation: Operation = {
  service: 'scoring',
  protocol: 'tensorflow-serving',
  name: 'predict',
  action: 'predict',
  resource: ['finance-prod'],
  model: 'finance-prod',
  safe: true,
};

function rulePlan(index: number, callers: readonly string[]): RulePlan {
  return {
    index,
    name: `rule ${index}`,
    effect: 'allow',
    file: 'headgate.yaml',
    line: index + 1,
    callers: { kind: 'groups', names: callers },
    actions: { kind: 'any' },
    resources: [],
    unless: [],
    limits: [],
  };
}

const access: AccessPlan = {
  environment: 'dev',
  identities: [],
  groups: [
    { name: 'finance-apps', owner: 'platform', anyOf: [] },
    { name: 'employees', anyOf: [] },
  ],
  services: [
    {
      name: 'scoring',
      protocol: 'tensorflow-serving',
      models: ['finance-prod', 'dialogue'],
      families: [{ name: 'finance', owner: 'finance-leads', models: ['finance-prod'] }],
    },
  ],
  rules: [rulePlan(0, ['finance-apps']), rulePlan(1, ['employees'])],
  reads: {},
};

function explained(index: number, more: Partial<RuleExplanation>): RuleExplanation {
  const rule = { index, name: `rule ${index}`, file: 'headgate.yaml', line: index + 1 };
  return { rule, effect: 'allow', matches: false, lacks: ['caller'], ...more };
}

describe('who could grant', () => {
  test('the owner of the family, of the nearest rule, and of the groups that it lets in', () => {
    const rules = [explained(0, { owner: 'ml-platform' }), explained(1, { lacks: ['caller', 'action'] })];
    const grantors = grantorsOf(access, operation, { rules, deciding: undefined });
    assert.equal(
      grantorsText(grantors),
      'finance-leads (owner of the family finance); ml-platform (owner of the rule “rule 0”); platform (owner of the group finance-apps)',
    );
  });

  test('where a rule denies, its owner rather than those of rules that allow', () => {
    const rules = [explained(0, { effect: 'deny', owner: 'risk', matches: true, lacks: [] }), explained(1, {})];
    const of = grantorsOf(access, operation, { rules, deciding: 0 }).map(({ owner }) => owner);
    assert.deepEqual(of, ['finance-leads', 'risk']);
  });

  test('nobody is named', () => {
    const rules = [explained(1, {})];
    const grantors = grantorsOf(access, { ...operation, model: 'dialogue' }, { rules, deciding: undefined });
    assert.deepEqual(grantors, []);
    assert.match(grantorsText(grantors), /names no owner/);
  });
});
