import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDecider } from '../decision/index.ts';
import { accessPlans, questions } from '../decision/testing/arbitraries.ts';
import { type AccessPlan, isConditional, type RulePlan } from '../plan/index.ts';
import { type Coverable, covers } from './cover.ts';
import { createCoverIndex } from './cover-index.ts';
import { widerGroups } from './wider-groups.ts';

const seed = 20_261_121;

interface Ruled extends Coverable {
  readonly plan: RulePlan;
}

const environments = fc.option(fc.uniqueArray(fc.constantFrom('dev', 'prod'), { minLength: 1 }), { nil: undefined });

/** The rules of a small plan, some of them for some environments only. */
const ruled = fc
  .tuple(accessPlans, fc.array(environments, { minLength: 10, maxLength: 10 }))
  .map(([access, drawn]) => ({
    access,
    rules: access.rules.map((plan, index): Ruled => ({ plan, in: drawn[index] && new Set(drawn[index]) })),
  }));

const isPlain = ({ plan }: Ruled): boolean => !isConditional(plan) && plan.unless.length === 0;

for (const placesMax of [64, 2]) {
  test(`finds the same rule as holding each against all, with ${placesMax} places`, () => {
    let found = 0;
    const property = fc.property(ruled, ({ access, rules }) => {
      const wider = widerGroups(access.groups);
      const plain = rules.filter(isPlain);
      const index = createCoverIndex<Ruled>(wider, placesMax);
      for (const rule of plain) index.add(rule);
      for (const rule of rules) {
        for (const before of [rule.plan.index, Number.POSITIVE_INFINITY]) {
          const expected = plain.find(
            (other) => other !== rule && other.plan.index < before && covers(other, rule, wider),
          );
          assert.equal(index.find(rule, before)?.plan.index, expected?.plan.index);
          if (expected !== undefined) found += 1;
        }
      }
    });
    fc.assert(property, { seed, numRuns: 4500 });
    assert.ok(found > 1000, `${found} were found`);
  });
}

/** Everything in one environment. */
function everywhere(rules: AccessPlan['rules']): readonly Ruled[] {
  return rules.map((plan) => ({ plan, in: undefined }));
}

test('a rule that another covers never decides', () => {
  let covered = 0;
  const property = fc.property(accessPlans, fc.array(questions, { minLength: 5, maxLength: 10 }), (access, asked) => {
    const wider = widerGroups(access.groups);
    const [allows, denies] = [createCoverIndex<Ruled>(wider), createCoverIndex<Ruled>(wider)];
    const rules = everywhere(access.rules);
    for (const rule of rules.filter(isPlain)) (rule.plan.effect === 'allow' ? allows : denies).add(rule);
    const isCovered = (rule: Ruled): boolean => {
      const before = rule.plan.index;
      if (rule.plan.effect === 'deny') return denies.find(rule, before) !== undefined;
      return (denies.find(rule, Number.POSITIVE_INFINITY) ?? allows.find(rule, before)) !== undefined;
    };
    const never = new Set(rules.filter(isCovered).map(({ plan }) => plan.name));
    covered += never.size;
    const decider = createDecider(access);
    for (const { operation, identity, facts } of asked) {
      const { rule } = decider.decide(operation, identity, facts);
      assert.ok(rule === undefined || !never.has(rule.name), `${rule?.name} decided`);
    }
  });
  fc.assert(property, { seed, numRuns: 2000 });
  assert.ok(covered > 200, `${covered} were covered`);
});

test('a wider group holds everybody of the narrower', () => {
  const callers = questions.filter(({ identity }) => identity !== undefined);
  const property = fc.property(accessPlans, fc.array(callers, { minLength: 3, maxLength: 6 }), (access, asked) => {
    const wider = widerGroups(access.groups);
    const rule = (index: number, name: string): RulePlan => ({
      ...{ index, name, effect: 'allow', file: '', line: 1, actions: { kind: 'any' }, unless: [], limits: [] },
      ...{ callers: { kind: 'groups', names: [name] }, resources: [{ service: 'one', segments: ['**'] }] },
    });
    for (const { identity, facts } of asked) {
      const isIn = (name: string): boolean => {
        const alone = createDecider({ ...access, rules: [rule(0, name)] });
        const operation = { service: 'one', protocol: 'tensorflow-serving', name: 'a', action: 'a' } as const;
        const question = { ...operation, resource: ['alpha'], model: 'alpha', safe: true };
        return alone.decide(question, identity, facts).outcome === 'allow';
      };
      for (const [name, others] of wider) {
        if (isIn(name)) for (const other of others) assert.ok(isIn(other), `in ${name}, not in ${other}`);
      }
    }
  });
  fc.assert(property, { seed, numRuns: 300 });
});
