import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlan } from './parse.ts';
import { sampleAccess, samplePlan } from './testing/sample-plan.ts';
import { planText } from './text.ts';
import type { Plan, RulePlan, VersionPlan } from './types.ts';

const stable: VersionPlan = { name: 'stable', number: 3 };
const canary: VersionPlan = { name: 'canary', number: 4, sharePpm: 50_000 };

function planOf(versions: Plan['access']['services'][number]['versions'], about?: RulePlan['versions']): Plan {
  const services = sampleAccess.services.map((service) => ({ ...service, ...(versions && { versions }) }));
  const rules = sampleAccess.rules.map((rule) => ({ ...rule, ...(about && { versions: about }) }));
  return samplePlan({ ...sampleAccess, services, rules });
}

test('versions of a Plan are read as they were printed', () => {
  for (const about of ['any', ['canary']] as const) {
    const plan = planOf({ finance: [stable, canary] }, about);
    assert.deepEqual(parsePlan(planText(plan)), plan);
  }
});

const broken: readonly (readonly [what: string, plan: Plan, message: RegExp])[] = [
  ['versions of no model', planOf({ ghost: [stable] }), /scoring\/ghost has versions and is no model/],
  ['no versions', planOf({ finance: [] }), /versions/],
  ['a version twice', planOf({ finance: [stable, { ...canary, name: 'stable' }] }), /has a version twice/],
  ['a number twice', planOf({ finance: [stable, { ...canary, number: 3 }] }), /has a number twice/],
  ['two that get the rest', planOf({ finance: [stable, { name: 'canary', number: 4 }] }), /don't add up/],
  ['none that gets the rest', planOf({ finance: [canary] }), /don't add up/],
  [
    'more than the whole',
    planOf({ finance: [stable, { ...canary, sharePpm: 600_000 }, { name: 'b', number: 5, sharePpm: 400_001 }] }),
    /don't add up/,
  ],
  ['a share beyond the whole', planOf({ finance: [stable, { ...canary, sharePpm: 1_000_001 }] }), /sharePpm/],
  ['a number below nothing', planOf({ finance: [{ ...stable, number: -1 }] }), /number/],
  ['a rule about an unknown version', planOf({ finance: [stable] }, ['next']), /names the unknown version next/],
  ['a rule about versions where there are none', planOf(undefined, ['stable']), /names the unknown version stable/],
  ['a rule about no version', planOf({ finance: [stable] }, []), /versions/],
];

for (const [what, plan, message] of broken) {
  test(`${what} is no Plan`, () => assert.throws(() => parsePlan(JSON.stringify(plan)), { message }));
}
