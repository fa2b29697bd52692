import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlanError, parsePlan } from './parse.ts';
import { sampleAccess, samplePlan } from './testing/sample-plan.ts';
import { planText } from './text.ts';
import type { AccessPlan, Plan, RulePlan } from './types.ts';

test('a Plan survives its text, and its text is canonical', () => {
  const text = planText(samplePlan());
  const read = parsePlan(text);
  assert.deepEqual(read, samplePlan());
  assert.equal(planText(read), text);
  assert.ok(text.endsWith('}\n'));
});

test('what is read is frozen through and through', () => {
  const plan = parsePlan(planText(samplePlan()));
  assert.ok(Object.isFrozen(plan.access.rules[0]?.limits[0]));
  assert.ok(Object.isFrozen(plan.access.groups[0]?.anyOf[0]?.allOf));
});

function refusal(text: string): string {
  try {
    parsePlan(text);
  } catch (error) {
    assert.ok(error instanceof PlanError);
    assert.equal(error.code, 'plan-invalid');
    return error.message;
  }
  return 'accepted';
}

const plan = samplePlan();
const [allow, deny] = sampleAccess.rules as readonly [RulePlan, RulePlan];
const withRules = (...rules: RulePlan[]): Plan => samplePlan({ ...sampleAccess, rules });
const withAccess = (access: Partial<AccessPlan>): Plan => samplePlan({ ...sampleAccess, ...access });

/** A rule that reads two headers, in a Plan that says these are read. */
function readingTwo(headers: readonly string[]): Plan {
  const reads = { headers: ['x-region', 'x-team'], address: false, time: false };
  const rule = { ...allow, when: { cel: '"x-team" in request.headers', reads } };
  return withAccess({ rules: [rule], reads: { scoring: { headers, address: false, time: false } } });
}

const night = { days: [1], fromMinute: 1320, toMinute: 360, zone: 'UTC' } as const;

/** A rule with typed conditions, in a Plan that says they are read. */
function typedAccess(conditions: Partial<RulePlan>): Plan {
  const reads = { scoring: { headers: ['x-region'], address: true, time: true } };
  return withAccess({ rules: [{ ...allow, ...conditions }], reads });
}

function families(...lists: readonly (readonly string[])[]): Plan {
  const made = lists.map((models, index) => ({ name: `f${index}`, models }));
  return withAccess({ services: sampleAccess.services.map((service) => ({ ...service, families: made })) });
}

test('a Plan that believes gateways says so wherever an assertion is read', () => {
  const relay = {
    ...{ name: 'relay', gateways: [{ issuer: 'urn:headgate:edge', keys: 'https://edge.example/jwks.json' }] },
    ...{ hops: [{ audience: 'orders', groups: ['leads'] }], hopsMax: 4, skewSeconds: 30 },
  };
  const headers = ['x-headgate-assertion', 'x-headgate-chain', 'x-region'];
  const reads = { scoring: { headers, address: false, time: false } };
  const whole = { ...withAccess({ relays: [relay], reads }), gateway: 'core' };
  assert.deepEqual(parsePlan(planText(whole)), whole);
  const refused = (access: Partial<AccessPlan>): string => refusal(planText(withAccess({ reads, ...access })));
  assert.match(refused({ relays: [relay], reads: sampleAccess.reads }), /reads.scoring lacks the assertion/);
  assert.match(refused({ relays: [relay, { ...relay, name: 'other' }] }), /a gateway is bound twice/);
  assert.match(refused({ relays: [{ ...relay, name: 'staff' }] }), /have one name/);
  assert.match(refused({ relays: [{ ...relay, hops: [{ audience: 'a', groups: ['b'] }] }] }), /unknown group b/);
  assert.match(refused({ relays: [{ ...relay, hopsMax: 9 }] }), /not a plan/);
  assert.match(refused({ relays: [] }), /access.relays is empty/);
});

test('a Plan with typed conditions, families, owners and notes survives its text', () => {
  const owned = { owner: 'leads', note: 'Reviewed.' };
  const whole = typedAccess({ via: ['public'], from: ['10.0.0.0/8'], during: [night], ...owned });
  const services = whole.access.services.map((each) => ({
    ...each,
    families: [{ name: 'all', models: ['finance'], ...owned }],
  }));
  const plan = samplePlan({
    ...whole.access,
    services,
    groups: whole.access.groups.map((each) => ({ ...each, ...owned })),
  });
  assert.deepEqual(parsePlan(planText(plan)), plan);
});

const broken: readonly (readonly [what: string, plan: unknown, message: RegExp])[] = [
  ['another format', { ...plan, format: 2 }, /format/],
  ['an unknown key', { ...plan, extra: true }, /extra/],
  ['an engine that is none', { ...plan, engine: 'nginx' }, /engine/],
  ['no listener', { ...plan, listeners: [] }, /listeners/],
  ['a wrong epoch', { ...plan, epoch: '0'.repeat(16) }, /epoch is 0{16}, its access part makes/],
  ['two environments', { ...plan, environment: 'prod' }, /environment differs/],
  ['a rule twice', withRules(allow, { ...deny, name: allow.name }), /rule leads predict is there twice/],
  ['rules out of order', withRules({ ...allow, index: 1 }), /has index 1 at position 0/],
  ['limits on a deny', withRules(allow, { ...deny, limits: allow.limits }), /denies and has limits/],
  ['unless on an allow', withRules({ ...allow, unless: deny.unless }), /allows and has unless/],
  ['an empty unless', withRules(allow, { ...deny, unless: [{}] }), /empty unless/],
  ['an unknown group', withAccess({ groups: [] }), /unknown group leads/],
  [
    'an unknown group in unless',
    withRules(allow, { ...deny, unless: [{ groups: ['ghosts'] }] }),
    /unknown group ghosts/,
  ],
  ['reads of another header', readingTwo(['x-region']), /lacks what rule leads predict reads/],
  ['an unknown identity', withAccess({ identities: [] }), /unknown identity staff/],
  [
    'an identity without audience',
    withAccess({ identities: sampleAccess.identities.map((each) => ({ ...each, audience: [] })) }),
    /audience/,
  ],
  [
    'a service twice',
    withAccess({ services: [...sampleAccess.services, ...sampleAccess.services] }),
    /service scoring is there twice/,
  ],
  ['an unknown service', withRules({ ...allow, resources: [{ service: 'x', segments: ['**'] }] }), /unknown service x/],
  ['no reads', withAccess({ reads: {} }), /lacks service scoring/],
  [
    'too few reads',
    withAccess({ reads: { scoring: { headers: [], address: true, time: true } } }),
    /lacks what rule leads predict reads/,
  ],
  ['a burst of nothing', withRules({ ...allow, limits: [{ count: 1, periodMs: 1, burst: 0, per: 'rule' }] }), /burst/],
  ['a route without an upstream', { ...plan, upstreams: [] }, /has no upstream/],
  [
    'reads without the address',
    withAccess({ rules: [{ ...allow, from: ['10.0.0.0/8'] }] }),
    /lacks what rule leads predict reads/,
  ],
  [
    'reads without the time',
    withRules(allow, { ...deny, unless: [{ during: [night] }] }),
    /lacks what rule nobody else reads/,
  ],
  ['an unknown listener', withRules({ ...allow, via: ['edge'] }), /unknown listener edge/],
  ['a range that is none', typedAccess({ from: ['10.0.0.1/8'] }), /10\.0\.0\.1\/8, which is no range/],
  ['a window never open', typedAccess({ during: [{ ...night, toMinute: 1320 }] }), /never open/],
  ['no listener in via', withRules({ ...allow, via: [] }), /via/],
  ['a model in two families', families(['finance'], ['finance']), /family f1 of scoring has finance/],
  ['a family of an unknown model', families(['ghost']), /family f0 of scoring has ghost/],
  ['two upstreams of a service', { ...plan, upstreams: [...plan.upstreams, ...plan.upstreams] }, /two upstreams/],
];

for (const [what, value, message] of broken) {
  test(`${what} is no Plan`, () => assert.match(refusal(JSON.stringify(value)), message));
}

test('text that is no JSON is no Plan', () => {
  assert.equal(refusal('{'), 'not a plan: not JSON');
  assert.match(refusal('null'), /not a plan/);
});
