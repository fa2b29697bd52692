import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessPlans } from '../decision/testing/arbitraries.ts';
import { type AccessPlan, type OidcPlan, parsePlan, planText, type RulePlan } from '../plan/index.ts';
import { canonicalJson } from '../std/canonical-json.ts';
import { compile } from './compile.ts';
import { environmentFor, policyFor } from './testing/trees.ts';

function oidc(name: string): OidcPlan {
  return {
    name,
    kind: 'oidc',
    issuers: [`https://${name}.example`],
    audience: ['headgate'],
    groupsClaim: ['groups'],
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    types: ['jwt', 'at+jwt', ''],
    skewSeconds: 30,
  };
}

const identities = [oidc('staff'), oidc('cluster')];

test('what is written is what is planned, rule by rule', () => {
  let planned = 0;
  const property = fc.property(accessPlans, (drawn) => {
    const access: AccessPlan = { ...drawn, identities };
    const { value, diagnostics } = compile(policyFor(access), environmentFor(access));
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    assert.equal(value === undefined, errors.length > 0);
    // Drawn ways into groups may ask for two identities at once, drawn rules may stand in one another's way.
    for (const { code } of errors) assert.match(code, /^HG(2023|2040|2041)$/);
    if (value === undefined) return;
    planned += 1;
    assert.deepEqual(parsePlan(planText(value)), value);
    const { reads, ...rest } = value.access;
    const { reads: _drawn, ...expected } = access;
    assert.equal(canonicalJson(rest), canonicalJson(expected));
    assert.deepEqual(Object.keys(reads).toSorted(), ['one', 'two']);
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 2000 });
  assert.ok(planned > 200, `${planned} were planned`);
});

/** As many rules, groups and models as Headgate is meant for, none in another's way. */
function largeAccess(rules: number, models: number): AccessPlan {
  const rule = (index: number): RulePlan => ({
    index,
    name: `rule ${index}`,
    effect: index % 20 === 19 ? 'deny' : 'allow',
    file: 'headgate.yaml',
    line: index + 1,
    callers: { kind: 'groups', names: [`g${index}`] },
    actions: { kind: 'actions', names: ['predict'] },
    resources: [
      { service: 'scoring', segments: [index % 3 === 0 ? '**' : `m${index % models}${index % 3 === 1 ? '' : '*'}`] },
    ],
    unless: [],
    limits: [],
  });
  const numbers = Array.from({ length: rules }, (_, index) => index);
  return {
    environment: 'dev',
    identities: identities.slice(0, 1),
    groups: numbers.map((index) => ({
      name: `g${index}`,
      anyOf: [{ allOf: [{ identity: 'staff', group: [`g${index}`] }] }],
    })),
    services: [
      { name: 'scoring', protocol: 'tensorflow-serving', models: numbers.slice(0, models).map((index) => `m${index}`) },
    ],
    rules: numbers.map(rule),
    reads: { scoring: { headers: [], address: false, time: false } },
  };
}

test('10,000 rules about 1,000 models compile in a moment', () => {
  const access = largeAccess(10_000, 1000);
  const [policy, environment] = [policyFor(access), environmentFor(access)];
  const started = performance.now();
  const { value, diagnostics } = compile(policy, environment);
  const tookMs = performance.now() - started;
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(value?.access, access);
  // A second on a quiet machine; holding every rule against every other takes minutes.
  assert.ok(tookMs < 8000, `it took ${tookMs} ms`);
});
