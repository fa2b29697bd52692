import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDecider } from '../decision/index.ts';
import { accessPlans, questions } from '../decision/testing/arbitraries.ts';
import type { AccessPlan } from '../plan/index.ts';
import { reachLines } from './reach.ts';

const seed = 20_261_121;

/** A line of the lock, taken apart. */
function parts(line: string): { effect: string; model: string; actions: string[]; rule: string } {
  const [, effect = '', model = '', named = '', rule = ''] =
    /^(allow|deny) (\S+) (\S+): .* by “([^”]+)”/.exec(line) ?? [];
  return { effect, model, actions: named.split(','), rule };
}

test('whatever a rule decides stands in the lock: nothing is left out that could be reached', () => {
  let decided = 0;
  const property = fc.property(accessPlans, fc.array(questions, { minLength: 4, maxLength: 8 }), (access, asked) => {
    const lines = (reachLines(access, 100_000) ?? assert.fail('too long')).map(parts);
    const decider = createDecider(access);
    for (const { operation, identity, facts } of asked) {
      const { rule, outcome } = decider.decide(operation, identity, facts);
      if (rule === undefined) continue;
      decided += 1;
      const model = `${operation.service}/${operation.model}`;
      const isTold = lines.some(
        (line) =>
          line.effect === outcome &&
          line.model === model &&
          line.rule === rule.name &&
          (line.actions.includes('any') || line.actions.includes(operation.action)),
      );
      assert.ok(isTold, `${outcome} ${model} ${operation.action} by ${rule.name}`);
    }
  });
  fc.assert(property, { seed, numRuns: 1000 });
  assert.ok(decided > 1000, `${decided} were decided`);
});

const bare: AccessPlan = {
  environment: 'dev',
  identities: [],
  groups: [
    {
      name: 'apps',
      anyOf: [
        { allOf: [{ identity: 'staff', client: ['a', 'b'], group: ['x'] }] },
        { allOf: [{ identity: 'staff' }, { identity: 'staff', subject: ['s'] }] },
      ],
    },
  ],
  services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['one', 'two'] }],
  rules: [
    {
      ...{ index: 0, name: 'r', effect: 'allow', file: 'headgate.yaml', line: 1 },
      callers: { kind: 'groups', names: ['apps'] },
      actions: { kind: 'any' },
      resources: [{ service: 'scoring', segments: ['**'] }],
      ...{ unless: [], limits: [] },
    },
  ],
  reads: {},
};

test('each value of a caller is a line of its own, for each model that a pattern matches', () => {
  assert.deepEqual(reachLines(bare, 100), [
    'allow scoring/one any: staff any and staff subject "s" (apps) by “r”',
    'allow scoring/one any: staff group "x", client "a" (apps) by “r”',
    'allow scoring/one any: staff group "x", client "b" (apps) by “r”',
    'allow scoring/two any: staff any and staff subject "s" (apps) by “r”',
    'allow scoring/two any: staff group "x", client "a" (apps) by “r”',
    'allow scoring/two any: staff group "x", client "b" (apps) by “r”',
  ]);
});

test('who may do what to the service itself is told where a rule allows it', () => {
  const reload = { kind: 'actions', names: ['reload-config'] } as const;
  const rules = bare.rules.map((rule) => ({ ...rule, callers: { kind: 'anyone' }, actions: reload }) as const);
  assert.deepEqual(reachLines({ ...bare, rules }, 100), ['allow scoring reload-config: anyone by “r”']);
});

test('what is too much to list is none', () => {
  assert.equal(reachLines(bare, 5), undefined);
  const many = Array.from({ length: 1001 }, (_, index) => `c${index}`);
  const groups = [{ name: 'apps', anyOf: [{ allOf: [{ identity: 'staff', client: many }] }] }];
  const [line] = reachLines({ ...bare, groups }, 5) ?? [];
  assert.ok(line?.includes('staff client ["c0","c1",'), 'a caller with too many values is one line');
});
